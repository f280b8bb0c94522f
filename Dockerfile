# One build, and from it an image of each program: the five services, and `setup` in the image devstack, which
# creates what overlays/dev and compose.yaml need. `make images` builds them all; by hand:
#
#   docker build --build-arg PROGRAM=order-svc --tag shopmesh/order-svc:dev .

FROM node:22-bookworm-slim AS pages
WORKDIR /src
COPY package.json package-lock.json .npmrc buf.yaml ./
COPY proto proto
COPY web web
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run build --workspace web --silent

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=pages /src/web/dist web/dist
RUN scripts/image-roots /roots

# Where no base image can be pulled, scripts/images uses from here on alone, with roots that were made outside.
FROM scratch
ARG PROGRAM
ARG VERSION=dev
ARG REVISION=unknown
COPY --from=build --chown=65532:65532 /roots/${PROGRAM} /
USER 65532:65532
ENTRYPOINT ["/program"]
LABEL org.opencontainers.image.title="shopmesh/${PROGRAM}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
