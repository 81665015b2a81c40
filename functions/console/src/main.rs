//! Serves the console: a static page that holds no data. What it shows, it asks of the same API with the caller's own token.

mod about;
mod answer;
mod files;
mod sign_in;

use edge::variable;
use lambda_http::{Error, Request, service_fn, tracing};
use sign_in::SignIn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let sign_in = SignIn::of(
        variable("CONSOLE_CLIENT_ID")?,
        variable("CONSOLE_AUTHORIZE_URL")?,
        variable("CONSOLE_TOKEN_URL")?,
    )?;
    let about = about::about(&variable("STACK_NAME")?, sign_in.as_ref());
    let site = &answer::Site::new(&about, sign_in.as_ref());
    let answer = async |request: Request| answer::answer(site, &request);
    lambda_http::run(service_fn(answer)).await
}
