//! Which of the protocols a request speaks, from its content type. tonic-web knows
//! four content types by the letter and answers in the form that `Accept` names:
//! here a request is put into those words.

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};

/// A protocol of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// gRPC, of whatever codec.
    Grpc,
    /// gRPC-Web.
    Web,
    /// gRPC-Web in base64.
    WebText,
}

const WEB: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
const WEB_TEXT: HeaderValue = HeaderValue::from_static("application/grpc-web-text+proto");

impl Media {
    /// The protocol of a request with these headers, if it is one of ours.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
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

    /// Says to tonic-web what the client speaks, and that it is answered likewise
    /// unless it asks for the other form.
    pub fn write(self, headers: &mut HeaderMap) {
        let (content_type, alike) = match self {
            Self::Grpc => return,
            Self::Web => (WEB, WEB),
            Self::WebText => (WEB_TEXT, WEB_TEXT),
        };
        let asked = headers.get(ACCEPT).map_or(&b""[..], HeaderValue::as_bytes);
        let accept = if asked.starts_with(b"application/grpc-web-text") {
            WEB_TEXT
        } else if asked.starts_with(b"application/grpc-web") {
            WEB
        } else {
            alike
        };
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(ACCEPT, accept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_as_clients_write_them() {
        for (value, media) in [
            ("application/grpc", Some(Media::Grpc)),
            ("application/grpc+proto", Some(Media::Grpc)),
            ("application/grpc+json", Some(Media::Grpc)),
            ("application/grpc-web", Some(Media::Web)),
            ("application/grpc-web+proto; charset=utf-8", Some(Media::Web)),
            ("Application/gRPC-Web+Proto", Some(Media::Web)),
            ("application/grpc-web-text", Some(Media::WebText)),
            ("application/grpc-web+json", None),
            ("application/grpcx", None),
            ("application/json", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(Media::of(&headers), media, "{value}");
        }
    }
}
