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
    let dynamodb = variable("AWS_ENDPOINT_URL_DYNAMODB").ok();
    let name = variable("STACK_NAME")?;
    let about = about::about(&name, sign_in.as_ref(), dynamodb.as_deref());
    let site = &answer::Site::new(&about, sign_in.as_ref());
    let answer = async |request: Request| answer::answer(site, &request);
    lambda_http::run(service_fn(answer)).await
}
