//! `#[derive(Choices)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result, Token, punctuated::Punctuated};

/// The implementation of `module::ArgumentValue`, `as_str` and `Serialize` for an enum.
pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(input, "choices are the variants of an enum"));
    };
    let name = &input.ident;
    let mut all = Vec::new();
    let mut values = Vec::new();
    let mut texts = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(variant, "a choice holds nothing"));
        }
        let mut names: Vec<String> = Vec::new();
        for attribute in variant.attrs.iter().filter(|one| one.path().is_ident("choice")) {
            let given =
                attribute.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated)?;
            names.extend(given.iter().map(LitStr::value));
        }
        if names.is_empty() {
            names.push(snake_case(&variant.ident.to_string()));
        }
        let ident = &variant.ident;
        let first = &names[0];
        values.extend(names.iter().map(|_| quote!(Self::#ident)));
        texts.push(quote!(Self::#ident => #first,));
        all.extend(names);
    }
    Ok(quote! {
        impl #name {
            /// The choice as tasks write it.
            pub const fn as_str(self) -> &'static str {
                match self { #(#texts)* }
            }
        }
        impl ::core::fmt::Display for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl ::module::foreign::serde::Serialize for #name {
            fn serialize<S: ::module::foreign::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl ::module::ArgumentValue for #name {
            const KIND: ::module::foreign::protocol::spec::Kind =
                ::module::foreign::protocol::spec::Kind::Str;
            const CHOICES: &'static [::module::shape::Literal] =
                &[#(::module::shape::Literal::Str(#all)),*];
            fn from_json(
                value: &::module::foreign::protocol::Json,
            ) -> ::core::result::Result<Self, ::std::string::String> {
                ::module::read_choice(
                    <Self as ::module::ArgumentValue>::CHOICES,
                    &[#(#values),*],
                    value,
                )
            }
        }
    })
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
