//! `#[derive(Arguments)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Data, DeriveInput, Error, Expr, ExprArray, ExprLit, ExprTuple, Field, Fields, Lit, LitStr,
    Result, Token, ext::IdentExt, meta::ParseNestedMeta, punctuated::Punctuated,
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
    let rules = Rules::parse(input)?;
    let mut parts = Vec::new();
    let mut reads = Vec::new();
    for field in fields {
        let (part, read) = expand_field(field)?;
        parts.extend(part);
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
                const SHAPE: &::module::shape::Shape =
                    &::module::shape::Shape { parts: &[#(#parts),*], #rules };
                SHAPE.spec()
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
            const OPTIONS: ::core::option::Option<
                fn() -> ::module::foreign::protocol::spec::ArgumentSpec,
            > = ::core::option::Option::Some(<Self as ::module::Arguments>::spec);
            fn from_json(
                value: &::module::foreign::protocol::Json,
            ) -> ::core::result::Result<Self, ::std::string::String> {
                ::module::read_dict(value)
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

/// What the field adds to the shape, and how it is read.
fn expand_field(field: &Field) -> Result<(Option<TokenStream>, TokenStream)> {
    let options = FieldOptions::parse(field)?;
    let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "no name"))?;
    let kind = &field.ty;
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| ident.unraw().to_string().trim_end_matches('_').to_owned());
    if options.flatten {
        return Ok((
            Some(quote!(::module::shape::Part::Flat(<#kind as ::module::Arguments>::spec))),
            quote!(#ident: <#kind as ::module::Arguments>::from_arguments(map)?,),
        ));
    }
    if options.internal {
        let key = format!("_{name}");
        return Ok((None, quote!(#ident: ::module::read_internal::<#kind>(map, #key)?,)));
    }
    let description = paragraphs(&field.attrs).join("\n\n");
    let (aliases, no_log) = (&options.aliases, options.no_log);
    let value = quote!(<#kind as ::module::ArgumentValue>);
    let default = match &options.default {
        Some(default) => {
            let literal = literal(default)?;
            quote!(::core::option::Option::Some(#literal))
        }
        None => quote!(::core::option::Option::None),
    };
    let choices = if options.choices.is_empty() {
        quote!(#value::CHOICES)
    } else {
        let choices = options.choices.iter().map(literal).collect::<Result<Vec<_>>>()?;
        quote!(&[#(#choices),*])
    };
    let argument_kind = match &options.kind {
        Some(kind) => kind_variant(kind, field)?,
        None => quote!(#value::KIND),
    };
    let elements = match &options.elements {
        Some(kind) => {
            let kind = kind_variant(kind, field)?;
            quote!(::core::option::Option::Some(#kind))
        }
        None => quote!(#value::ELEMENTS),
    };
    let part = quote! {
        ::module::shape::Part::Field(::module::shape::Field {
            name: #name,
            aliases: &[#(#aliases),*],
            kind: #argument_kind,
            elements: #elements,
            optional: #value::OPTIONAL,
            default: #default,
            choices: #choices,
            options: #value::OPTIONS,
            no_log: #no_log,
            description: #description,
        })
    };
    Ok((Some(part), quote!(#ident: ::module::read_argument::<#kind>(map, #name, #default)?,)))
}

/// A default, a choice or a condition's value as a constant.
fn literal(value: &Expr) -> Result<TokenStream> {
    let kind = match value {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => quote!(Str),
        Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) => quote!(Bool),
        Expr::Lit(ExprLit { lit: Lit::Float(_), .. }) => quote!(Float),
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) | Expr::Unary(_) => quote!(Int),
        Expr::Array(ExprArray { elems, .. }) => {
            let items = elems.iter().map(literal).collect::<Result<Vec<_>>>()?;
            return Ok(quote!(::module::shape::Literal::List(&[#(#items),*])));
        }
        other => return Err(Error::new_spanned(other, "expected a literal or a list of them")),
    };
    Ok(quote!(::module::shape::Literal::#kind(#value)))
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

/// The rules between arguments, as constants.
#[derive(Default)]
struct Rules {
    mutually_exclusive: Vec<TokenStream>,
    required_together: Vec<TokenStream>,
    required_one_of: Vec<TokenStream>,
    required_if: Vec<TokenStream>,
    required_by: Vec<TokenStream>,
    open: bool,
}

impl Rules {
    fn parse(input: &DeriveInput) -> Result<Self> {
        let mut rules = Self::default();
        for attribute in input.attrs.iter().filter(|one| one.path().is_ident("arguments")) {
            attribute.parse_nested_meta(|meta| rules.parse_one(&meta))?;
        }
        Ok(rules)
    }

    fn parse_one(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        let name = meta.path.require_ident()?.to_string();
        let (list, form): (&mut Vec<_>, fn(&Expr) -> Result<TokenStream>) = match name.as_str() {
            "mutually_exclusive" => (&mut self.mutually_exclusive, group_of),
            "required_together" => (&mut self.required_together, group_of),
            "required_one_of" => (&mut self.required_one_of, group_of),
            "required_if" => (&mut self.required_if, required_if),
            "required_by" => (&mut self.required_by, required_by),
            "open" => {
                self.open = true;
                return Ok(());
            }
            _ => return Err(meta.error("a rule that arguments do not have")),
        };
        for rule in expressions(meta)? {
            list.push(form(&rule)?);
        }
        Ok(())
    }
}

impl ToTokens for Rules {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            mutually_exclusive,
            required_together,
            required_one_of,
            required_if,
            required_by,
            open,
        } = self;
        tokens.extend(quote! {
            mutually_exclusive: &[#(#mutually_exclusive),*],
            required_together: &[#(#required_together),*],
            required_one_of: &[#(#required_one_of),*],
            required_if: &[#(#required_if),*],
            required_by: &[#(#required_by),*],
            open: #open,
        });
    }
}

fn required_by(rule: &Expr) -> Result<TokenStream> {
    let form = "expected (argument, [others])";
    let Expr::Tuple(ExprTuple { elems, .. }) = rule else {
        return Err(Error::new_spanned(rule, form));
    };
    let (Some(argument), Some(group), 2) = (elems.first(), elems.get(1), elems.len()) else {
        return Err(Error::new_spanned(elems, form));
    };
    let group = group_of(group)?;
    Ok(quote!((#argument, #group)))
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
    let (value, group) = (literal(value)?, group_of(group)?);
    Ok(quote! {
        ::module::shape::Condition {
            argument: #argument,
            value: #value,
            required: #group,
            any: #any,
        }
    })
}

fn group_of(group: &Expr) -> Result<TokenStream> {
    let Expr::Array(ExprArray { elems, .. }) = group else {
        return Err(Error::new_spanned(group, "expected a list of argument names"));
    };
    let names = elems.iter();
    Ok(quote!(&[#(#names),*]))
}
