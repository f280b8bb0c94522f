//! Enums that SQL keeps as `text`, under names that a person who reads a table knows.

/// Defines an enum of which each variant has a text, usable in SQL as `text`.
///
/// ```
/// mesh_data::text_enum! {
///     /// How a thing is.
///     pub enum Mood {
///         /// Well.
///         Glad = "GLAD",
///         /// Not so well.
///         Sad = "SAD",
///     }
/// }
/// assert_eq!(Mood::Sad.as_str(), "SAD");
/// ```
#[macro_export]
macro_rules! text_enum {
    ($(#[$documentation:meta])* pub enum $name:ident {
        $($(#[$variant_documentation:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$documentation])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            ::serde::Serialize, ::serde::Deserialize,
            ::diesel::expression::AsExpression, ::diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = ::diesel::sql_types::Text)]
        pub enum $name {
            $($(#[$variant_documentation])* $variant,)+
        }

        impl $name {
            /// Its text in SQL.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl ::diesel::serialize::ToSql<::diesel::sql_types::Text, ::diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut ::diesel::serialize::Output<'b, '_, ::diesel::pg::Pg>,
            ) -> ::diesel::serialize::Result {
                ::std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(::diesel::serialize::IsNull::No)
            }
        }

        impl ::diesel::deserialize::FromSql<::diesel::sql_types::Text, ::diesel::pg::Pg>
            for $name
        {
            fn from_sql(
                bytes: ::diesel::pg::PgValue<'_>,
            ) -> ::diesel::deserialize::Result<Self> {
                match bytes.as_bytes() {
                    $(text if text == $text.as_bytes() => Ok(Self::$variant),)+
                    other => {
                        let text = String::from_utf8_lossy(other);
                        Err(format!("{text} is no {}", stringify!($name)).into())
                    }
                }
            }
        }
    };
}
