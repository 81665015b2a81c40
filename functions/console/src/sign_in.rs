//! Where the console sends people to sign in, by code and PKCE. Without it a token may still be pasted.

use lambda_http::http::Uri;

/// An issuer's public client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The client that the console is registered as.
    pub client_id: String,
    /// Where a person signs in.
    pub authorize_url: String,
    /// Where the code becomes a token.
    pub token_url: String,
    /// The origin of `token_url`: the one place besides the API that the page may call.
    pub token_origin: String,
}

/// What is wrong with the parameters.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    #[error(
        "ConsoleClientId, ConsoleAuthorizeUrl and ConsoleTokenUrl must be given together, or none of them"
    )]
    Partly,
    #[error("a URL such as https://issuer.example.com/oauth2/token is needed, found {0}")]
    NoUrl(String),
}

impl SignIn {
    /// The client, if one is given.
    ///
    /// # Errors
    /// Only some of the three are given, or one is no URL that browsers are let through to.
    pub fn of(
        client_id: String,
        authorize_url: String,
        token_url: String,
    ) -> Result<Option<Self>, SignInError> {
        let given = [&client_id, &authorize_url, &token_url].map(|text| !text.is_empty());
        match given {
            [false, false, false] => return Ok(None),
            [true, true, true] => {}
            _ => return Err(SignInError::Partly),
        }
        origin(&authorize_url)?;
        let token_origin = origin(&token_url)?;
        Ok(Some(Self {
            client_id,
            authorize_url,
            token_url,
            token_origin,
        }))
    }
}

/// Goes into a header, so nothing but a scheme, a host and a port may come of it.
fn origin(url: &str) -> Result<String, SignInError> {
    let wrong = || SignInError::NoUrl(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?.as_str();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match uri.scheme_str() {
        Some("https") if authority.bytes().all(known) => Ok(format!("https://{authority}")),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(client: &str, authorize: &str, token: &str) -> Result<Option<SignIn>, SignInError> {
        let [client, authorize, token] = [client, authorize, token].map(str::to_owned);
        SignIn::of(client, authorize, token)
    }

    #[test]
    fn all_are_given_or_none() {
        assert_eq!(of("", "", ""), Ok(None));
        for [client, authorize, token] in [
            ["console", "", ""],
            ["", "https://a.example/in", "https://a.example/token"],
            ["console", "https://a.example/in", ""],
        ] {
            assert_eq!(of(client, authorize, token), Err(SignInError::Partly));
        }
    }

    #[test]
    fn the_page_may_call_the_origin_of_the_token_and_no_more() {
        let given = of(
            "console",
            "https://a.example/in",
            "https://b.example:8443/oauth2/token?x=1",
        );
        let origin = given.map(|given| given.map(|given| given.token_origin));
        assert_eq!(origin, Ok(Some("https://b.example:8443".to_owned())));
    }

    #[test]
    fn what_is_no_url_of_https_is_refused() {
        for token in [
            "http://b.example/token",
            "b.example",
            "/token",
            "https://",
            "https://b.example; script-src */token",
            "https://me@b.example/token",
            "https://*/token",
        ] {
            let given = of("console", "https://a.example/in", token);
            assert_eq!(given, Err(SignInError::NoUrl(token.to_owned())), "{token}");
        }
    }
}
