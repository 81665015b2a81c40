//! DynamoDB Local from Maven: fetched once, started once per test binary, gone with it.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// A running DynamoDB Local. It ends when its standard input does: with this process, however that ends.
struct Server {
    endpoint: String,
    _process: Child,
    _lifeline: Option<ChildStdin>,
}

/// The endpoint of the one DynamoDB Local of this test binary.
pub fn endpoint() -> &'static str {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let start = || start().expect("DynamoDB Local starts; it needs Java 17 and Maven");
    &SERVER.get_or_init(start).endpoint
}

fn start() -> Result<Server> {
    let lib = fetched()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let java = format!(
        "java -Djava.library.path='{lib}' -Dsqlite4java.library.path='{lib}' -cp '{lib}/*' \
         software.amazon.dynamodb.services.local.main.ServerRunner -inMemory -disableTelemetry -port {port}",
        lib = lib.display()
    );
    let mut process = Command::new("sh")
        .args([
            "-c",
            &format!(
                "exec 3<&0; {java} 2>&1 & server=$!; (read _ <&3; kill $server) & wait $server"
            ),
        ])
        .args(["dynamodb-local"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("sh")?;
    let lifeline = process.stdin.take();
    let mut output = BufReader::new(process.stdout.take().context("no output")?).lines();
    let endpoint = format!("http://127.0.0.1:{port}");
    for _ in 0..600 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            std::thread::spawn(move || output.by_ref().for_each(drop));
            return Ok(Server {
                endpoint,
                _process: process,
                _lifeline: lifeline,
            });
        }
        if let Some(status) = process.try_wait()? {
            let said: Vec<_> = output.map_while(Result::ok).collect();
            bail!("DynamoDB Local ended with {status}: {}", said.join("\n"));
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    bail!("DynamoDB Local does not listen on {port} after a minute")
}

/// The folder with its jars, which is made by the first test binary that needs it.
fn fetched() -> Result<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tests.with_file_name("target").join("dynamodb-local");
    let lib = home.join("lib");
    fs::create_dir_all(&home)?;
    let lock = File::create(home.join("lock"))?;
    lock.lock()?;
    let done = home.join("3.0.0.done");
    if !done.exists() {
        eprintln!("fetching DynamoDB Local with Maven, once");
        let maven = Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(tests.join("dynamodb-local.xml"))
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", lib.display()))
            .arg("-DincludeScope=runtime")
            .status()
            .context("mvn must be on the PATH")?;
        ensure!(maven.success(), "mvn ended with {maven}");
        File::create(done)?;
    }
    Ok(lib)
}
