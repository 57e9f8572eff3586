//! `#[derive(Arguments)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Data, DeriveInput, Error, Expr, ExprArray, ExprTuple, Field, Fields, LitStr, Result, Token,
    ext::IdentExt, meta::ParseNestedMeta, punctuated::Punctuated,
};

use crate::documentation::paragraphs;

/// The implementation of `module::Arguments` (and, for nesting, `module::ArgumentValue`).
pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "arguments are the fields of a struct"));
    };
    let fields = match &data.fields {
        Fields::Named(fields) => fields.named.iter().collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(_) => {
            return Err(Error::new_spanned(input, "arguments have names"));
        }
    };
    let rules = rules(input)?;
    let mut specs = Vec::new();
    let mut reads = Vec::new();
    for field in fields {
        let (spec, read) = expand_field(field)?;
        specs.push(spec);
        reads.push(read);
    }
    let name = &input.ident;
    let description = paragraphs(&input.attrs);
    Ok(quote! {
        impl ::module::Arguments for #name {
            fn description() -> ::std::vec::Vec<&'static str> {
                ::std::vec![#(#description),*]
            }
            fn spec() -> ::module::foreign::protocol::spec::ArgumentSpec {
                #[allow(unused_mut)]
                let mut spec = ::module::foreign::protocol::spec::ArgumentSpec::default();
                #(#specs)*
                #(#rules)*
                spec
            }
            fn from_arguments(
                #[allow(unused_variables)]
                map: &::module::foreign::protocol::JsonMap,
            ) -> ::core::result::Result<Self, ::std::string::String> {
                ::core::result::Result::Ok(Self { #(#reads)* })
            }
        }
        impl ::module::ArgumentValue for #name {
            const KIND: ::module::foreign::protocol::spec::Kind =
                ::module::foreign::protocol::spec::Kind::Dict;
            fn options() -> ::core::option::Option<::module::foreign::protocol::spec::ArgumentSpec> {
                ::core::option::Option::Some(<Self as ::module::Arguments>::spec())
            }
            fn from_json(
                value: &::module::foreign::protocol::Json,
            ) -> ::core::result::Result<Self, ::std::string::String> {
                match value {
                    ::module::foreign::protocol::Json::Object(map) => {
                        <Self as ::module::Arguments>::from_arguments(map)
                    }
                    other => ::core::result::Result::Err(::std::format!(
                        "must be a dict, got: {}",
                        ::module::foreign::protocol::python::text(other),
                    )),
                }
            }
        }
    })
}

#[derive(Default)]
struct FieldOptions {
    name: Option<String>,
    aliases: Vec<String>,
    default: Option<Expr>,
    choices: Vec<Expr>,
    kind: Option<String>,
    elements: Option<String>,
    no_log: bool,
    flatten: bool,
    internal: bool,
}

impl FieldOptions {
    fn parse(field: &Field) -> Result<Self> {
        let mut options = Self::default();
        for attribute in field.attrs.iter().filter(|one| one.path().is_ident("argument")) {
            attribute.parse_nested_meta(|meta| options.parse_one(&meta))?;
        }
        Ok(options)
    }

    fn parse_one(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        let text = |meta: &ParseNestedMeta| -> Result<String> {
            Ok(meta.value()?.parse::<LitStr>()?.value())
        };
        let name = meta.path.require_ident()?.to_string();
        match name.as_str() {
            "name" => self.name = Some(text(meta)?),
            "aliases" => self.aliases = texts(meta)?,
            "default" => self.default = Some(meta.value()?.parse()?),
            "choices" => self.choices = expressions(meta)?,
            "kind" => self.kind = Some(text(meta)?),
            "elements" => self.elements = Some(text(meta)?),
            "no_log" => self.no_log = true,
            "flatten" => self.flatten = true,
            "internal" => self.internal = true,
            _ => return Err(meta.error("an option that arguments do not have")),
        }
        Ok(())
    }
}

fn texts(meta: &ParseNestedMeta) -> Result<Vec<String>> {
    let content;
    syn::parenthesized!(content in meta.input);
    let all = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
    Ok(all.iter().map(LitStr::value).collect())
}

fn expressions(meta: &ParseNestedMeta) -> Result<Vec<Expr>> {
    let content;
    syn::parenthesized!(content in meta.input);
    Ok(Punctuated::<Expr, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

/// What the field adds to the spec, and how it is read.
fn expand_field(field: &Field) -> Result<(TokenStream, TokenStream)> {
    let options = FieldOptions::parse(field)?;
    let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "no name"))?;
    let kind = &field.ty;
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| ident.unraw().to_string().trim_end_matches('_').to_owned());
    if options.flatten {
        return Ok((
            quote!(::module::add_arguments(&mut spec, <#kind as ::module::Arguments>::spec());),
            quote!(#ident: <#kind as ::module::Arguments>::from_arguments(map)?,),
        ));
    }
    if options.internal {
        let key = format!("_{name}");
        return Ok((
            TokenStream::new(),
            quote!(#ident: ::module::read_internal::<#kind>(map, #key)?,),
        ));
    }
    let description = paragraphs(&field.attrs).join("\n\n");
    let (aliases, choices, no_log) = (&options.aliases, &options.choices, options.no_log);
    let default = match &options.default {
        Some(default) => {
            quote!(::core::option::Option::Some(::module::foreign::serde_json::json!(#default)))
        }
        None => quote!(::core::option::Option::None),
    };
    let mut overrides = Vec::new();
    if !choices.is_empty() {
        overrides.push(quote!(argument.choices =
            ::std::vec![#(::module::foreign::serde_json::json!(#choices)),*];));
    }
    if let Some(kind) = &options.kind {
        let kind = kind_variant(kind, field)?;
        overrides.push(quote!(argument.kind = #kind;));
    }
    if let Some(kind) = &options.elements {
        let kind = kind_variant(kind, field)?;
        overrides.push(quote!(argument.elements = ::core::option::Option::Some(#kind);));
    }
    let spec = quote! {{
        let default = #default;
        #[allow(unused_mut)]
        let mut argument = ::module::foreign::protocol::spec::Argument {
            name: #name.into(),
            aliases: ::std::vec![#(#aliases.into()),*],
            kind: <#kind as ::module::ArgumentValue>::KIND,
            elements: <#kind as ::module::ArgumentValue>::elements(),
            required: default.is_none() && !<#kind as ::module::ArgumentValue>::OPTIONAL,
            default,
            choices: <#kind as ::module::ArgumentValue>::choices(),
            options: <#kind as ::module::ArgumentValue>::options().map(::std::boxed::Box::new),
            no_log: #no_log,
            description: #description.into(),
        };
        #(#overrides)*
        spec.arguments.push(argument);
    }};
    let read = quote!(#ident: ::module::read_argument::<#kind>(map, #name, || #default)?,);
    Ok((spec, read))
}

fn kind_variant(name: &str, field: &Field) -> Result<TokenStream> {
    const KINDS: [&str; 12] = [
        "str", "int", "float", "bool", "list", "dict", "path", "raw", "json", "jsonarg", "bytes",
        "bits",
    ];
    if !KINDS.contains(&name) {
        return Err(Error::new_spanned(field, format!("`{name}` is no kind of argument")));
    }
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let variant = format_ident!("{}{}", first.unwrap_or('X'), letters.as_str());
    Ok(quote!(::module::foreign::protocol::spec::Kind::#variant))
}

/// The rules between arguments, as statements on `spec`.
fn rules(input: &DeriveInput) -> Result<Vec<TokenStream>> {
    let mut rules = Vec::new();
    for attribute in input.attrs.iter().filter(|one| one.path().is_ident("arguments")) {
        attribute.parse_nested_meta(|meta| {
            let name = meta.path.require_ident()?.clone();
            match name.to_string().as_str() {
                "mutually_exclusive" | "required_together" | "required_one_of" => {
                    for group in expressions(&meta)? {
                        let group = group_of(&group)?;
                        rules.push(quote!(spec.#name.push(#group);));
                    }
                }
                "required_if" => {
                    for rule in expressions(&meta)? {
                        rules.push(required_if(&rule)?);
                    }
                }
                "required_by" => {
                    for rule in expressions(&meta)? {
                        let Expr::Tuple(ExprTuple { elems, .. }) = &rule else {
                            return Err(Error::new_spanned(rule, "expected (argument, [others])"));
                        };
                        let (Some(argument), Some(group), 2) =
                            (elems.first(), elems.get(1), elems.len())
                        else {
                            return Err(Error::new_spanned(elems, "expected (argument, [others])"));
                        };
                        let group = group_of(group)?;
                        rules.push(quote!(spec.required_by.push((#argument.into(), #group));));
                    }
                }
                "open" => rules.push(quote!(spec.open = true;)),
                _ => return Err(meta.error("a rule that arguments do not have")),
            }
            Ok(())
        })?;
    }
    Ok(rules)
}

fn required_if(rule: &Expr) -> Result<TokenStream> {
    let form = "expected (argument, value, [required]) or (argument, value, [required], any)";
    let Expr::Tuple(ExprTuple { elems, .. }) = rule else {
        return Err(Error::new_spanned(rule, form));
    };
    let any = match elems.get(3) {
        None => false,
        Some(Expr::Path(path)) if path.path.is_ident("any") => true,
        Some(other) => return Err(Error::new_spanned(other, form)),
    };
    let (Some(argument), Some(value), Some(group)) = (elems.first(), elems.get(1), elems.get(2))
    else {
        return Err(Error::new_spanned(rule, form));
    };
    let group = group_of(group)?;
    Ok(quote! {
        spec.required_if.push(::module::foreign::protocol::spec::RequiredIf {
            argument: #argument.into(),
            value: ::module::foreign::serde_json::json!(#value),
            required: #group,
            any: #any,
        });
    })
}

fn group_of(group: &Expr) -> Result<TokenStream> {
    let Expr::Array(ExprArray { elems, .. }) = group else {
        return Err(Error::new_spanned(group, "expected a list of argument names"));
    };
    let names = elems.iter();
    Ok(quote!(::std::vec![#(#names.into()),*]))
}
