// The first question of a page, asked and read before the clients have come. It speaks gRPC-Web by the
// numbers of the contract, which never change. Where anything is out of the ordinary it gives no
// answer, and the page asks again by its client.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Money } from "../gen/google/type/money_pb";
import type { ListProductsRequest, Product } from "../gen/shopmesh/product/v1/product_service_pb";
import { TRACEPARENT, traceparent } from "./trace";

/** A product as pages show it. */
export type Shown = Pick<
  Product,
  "productId" | "slug" | "name" | "description" | "category" | "imageUrl" | "stockState" | "sku"
> & { price?: Pick<Money, "currencyCode" | "units" | "nanos"> | undefined };

export type Question = Pick<
  ListProductsRequest,
  "pageSize" | "query" | "category" | "inStockOnly" | "orderBy"
>;

/** The answer to ListProducts. */
export async function firstProducts(
  question: Question,
): Promise<{ products: Shown[]; nextPageToken: string } | undefined> {
  const request = new BinaryWriter().tag(1, WireType.Varint).int32(question.pageSize);
  request.tag(3, WireType.LengthDelimited).string(question.query);
  request.tag(4, WireType.LengthDelimited).string(question.category);
  request.tag(7, WireType.Varint).bool(question.inStockOnly);
  request.tag(8, WireType.LengthDelimited).string(question.orderBy);
  const page = { products: [] as Shown[], nextPageToken: "" };
  const answered = await ask("ListProducts", request, (field, answer) => {
    if (field === 1) page.products.push(product(answer));
    else if (field === 2) page.nextPageToken = answer.string();
    else return false;
  });
  return answered ? page : undefined;
}

/** The answer to GetProduct. */
export async function firstProduct(slug: string): Promise<Shown | undefined> {
  const request = new BinaryWriter().tag(2, WireType.LengthDelimited).string(slug);
  let found: Shown | undefined;
  await ask("GetProduct", request, (field, answer) => {
    if (field !== 1) return false;
    found = product(answer);
  });
  return found;
}

function product(from: BinaryReader): Shown {
  const it: Shown = {
    productId: "",
    slug: "",
    name: "",
    description: "",
    category: "",
    imageUrl: "",
    stockState: 0,
    sku: "",
  };
  message(from, (field, from) => {
    if (field === 1) it.productId = from.string();
    else if (field === 2) it.slug = from.string();
    else if (field === 3) it.name = from.string();
    else if (field === 4) it.description = from.string();
    else if (field === 5) it.category = from.string();
    else if (field === 6) it.price = money(from);
    else if (field === 7) it.imageUrl = from.string();
    else if (field === 8) it.stockState = from.int32();
    else if (field === 11) it.sku = from.string();
    else return false;
  });
  return it;
}

function money(from: BinaryReader) {
  const it = { currencyCode: "", units: 0n, nanos: 0 };
  message(from, (field, from) => {
    if (field === 1) it.currencyCode = from.string();
    else if (field === 2) it.units = BigInt(from.int64());
    else if (field === 3) it.nanos = from.int32();
    else return false;
  });
  return it;
}

/** Takes the field, or says that it is of no use. */
type Take = (field: number, from: BinaryReader) => false | undefined;

function message(from: BinaryReader, take: Take): void {
  fields(from, from.uint32(), take);
}

function fields(from: BinaryReader, length: number, take: Take): void {
  const end = from.pos + length;
  while (from.pos < end) {
    const [field, wireType] = from.tag();
    if (take(field, from) === false) from.skip(wireType, field);
  }
}

/** True where the answer is there as a whole. */
async function ask(method: string, request: BinaryWriter, take: Take): Promise<boolean> {
  try {
    const message = request.finish();
    // A frame: its flags, its length, the message.
    const frame = new Uint8Array(5 + message.length);
    new DataView(frame.buffer).setUint32(1, message.length);
    frame.set(message, 5);
    const response = await fetch(`/shopmesh.product.v1.ProductService/${method}`, {
      method: "POST",
      headers: {
        "content-type": "application/grpc-web+proto",
        "x-grpc-web": "1",
        [TRACEPARENT]: traceparent(),
      },
      body: frame,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const length = new DataView(bytes.buffer).getUint32(1);
    // The frame after the message holds the trailers.
    const trailers = new TextDecoder().decode(bytes.subarray(5 + length + 5));
    if (bytes[0] !== 0 || !/^grpc-status: *0\s*$/m.test(trailers)) return false;
    fields(new BinaryReader(bytes.subarray(5, 5 + length)), length, take);
    return true;
  } catch {
    return false;
  }
}
