//! The protocol of a request, from its content type. tonic-web accepts four exact content types and
//! responds in the form that `Accept` names, so the headers of a request are normalized for it.

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};

/// A protocol of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// gRPC with any codec.
    Grpc,
    Web,
    /// gRPC-Web in base64.
    WebText,
}

const WEB: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
const WEB_TEXT: HeaderValue = HeaderValue::from_static("application/grpc-web-text+proto");

impl Protocol {
    /// Returns the protocol of a request with these headers; `None` if it is not supported.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?.as_bytes();
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        let value = value[..end].trim_ascii().to_ascii_lowercase();
        match value.strip_prefix(b"application/grpc")? {
            b"" => Some(Self::Grpc),
            b"-web" | b"-web+proto" => Some(Self::Web),
            b"-web-text" | b"-web-text+proto" => Some(Self::WebText),
            [b'+', ..] => Some(Self::Grpc),
            _ => None,
        }
    }

    /// Writes the headers as tonic-web expects them. The response has the form of the request
    /// unless the client accepts only the other form.
    pub(crate) fn normalize(self, headers: &mut HeaderMap) {
        let (content_type, same_form) = match self {
            Self::Grpc => return,
            Self::Web => (WEB, WEB),
            Self::WebText => (WEB_TEXT, WEB_TEXT),
        };
        let accepted = headers.get(ACCEPT).map_or(&b""[..], HeaderValue::as_bytes);
        let accept = if accepted.starts_with(b"application/grpc-web-text") {
            WEB_TEXT
        } else if accepted.starts_with(b"application/grpc-web") {
            WEB
        } else {
            same_form
        };
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(ACCEPT, accept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_read_from_the_content_types_that_clients_send() {
        for (value, protocol) in [
            ("application/grpc", Some(Protocol::Grpc)),
            ("application/grpc+proto", Some(Protocol::Grpc)),
            ("application/grpc+json", Some(Protocol::Grpc)),
            ("application/grpc-web", Some(Protocol::Web)),
            ("application/grpc-web+proto; charset=utf-8", Some(Protocol::Web)),
            ("Application/gRPC-Web+Proto", Some(Protocol::Web)),
            ("application/grpc-web-text", Some(Protocol::WebText)),
            ("application/grpc-web+json", None),
            ("application/grpcx", None),
            ("application/json", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(Protocol::of(&headers), protocol, "{value}");
        }
    }
}
