//! Enums that SQL stores as `text`, so that a table is readable without the code.

/// Defines an enum with a text for each variant, usable in SQL as `text`.
///
/// ```
/// mesh_data::text_enum! {
///     /// The state of a door.
///     pub enum Door {
///         /// Anyone can enter.
///         Open = "OPEN",
///         /// Nobody can enter.
///         Closed = "CLOSED",
///     }
/// }
/// assert_eq!(Door::Closed.as_str(), "CLOSED");
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
            /// Returns its text in SQL.
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
                        Err(format!("{text:?} is not a {}", stringify!($name)).into())
                    }
                }
            }
        }
    };
}
