//! Puts the parts together: one stack on one machine, ready when every function has asked for work.

use crate::bus::Bus;
use crate::counted::Counted;
use crate::dynamodb::DynamoDb;
use crate::functions;
use crate::gateway::Gateway;
use crate::mail::{Mail, Mails};
use crate::parameters::Given;
use crate::processes::{Processes, Surroundings};
use crate::queues::{Message, Queues};
use crate::runtime_api;
use crate::schedules;
use crate::sqs;
use crate::streams::{Progress, StreamReader};
use crate::template::{Known, QueueMapping, Schedule, Template};
use crate::workers::Workers;
use anyhow::{Context, anyhow, bail, ensure};
use axum::Router;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How long a function may take until it asks for work the first time.
const START: Duration = Duration::from_secs(30);

/// How a stack is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the API answers; 0 is any port that is free.
    pub port: u16,
    /// A folder that keeps the database; without one it is forgotten.
    pub data: Option<PathBuf>,
    /// A DynamoDB Local that runs already.
    pub dynamodb: Option<String>,
    /// What defines the stack.
    pub template: PathBuf,
    /// Values for its parameters; the others keep their defaults.
    pub parameters: Given,
    /// What all functions find in their environment beside, or in place of, what the template says.
    pub environment: BTreeMap<String, String>,
    /// How many processes a function may have that consumes a queue, within its own bound.
    pub processes: u32,
    /// A file to write the URLs to as soon as the stack is ready.
    pub ready_file: Option<PathBuf>,
    /// Whether functions log warnings and errors alone.
    pub quiet: bool,
}

/// A running stack.
pub struct Stack {
    /// Where the API answers: `http://127.0.0.1:3000`.
    pub api: String,
    /// Where DynamoDB answers.
    pub dynamodb: String,
    database: Arc<DynamoDb>,
    workers: Workers,
    mails: Mails,
    queues: Queues,
    bus: Bus,
    consumers: Vec<QueueMapping>,
    schedules: Vec<Schedule>,
    streams: Vec<Progress>,
    processes: Processes,
    tasks: JoinSet<()>,
}

impl Default for Options {
    /// Any port, nothing kept, the workspace's own template.
    fn default() -> Self {
        Options {
            port: 0,
            data: None,
            dynamodb: None,
            template: functions::workspace().join("template.yaml"),
            parameters: Given::new(),
            environment: BTreeMap::new(),
            processes: 1,
            ready_file: None,
            quiet: false,
        }
    }
}

impl Stack {
    /// Builds the functions and starts everything.
    ///
    /// # Errors
    /// The template is wrong, the port is taken, or a part cannot start.
    pub async fn start(options: Options) -> anyhow::Result<Stack> {
        let binaries = tokio::task::spawn_blocking(functions::names).await??;
        let known = Known {
            binaries: &binaries,
            aggregates: domain::registry::AGGREGATES,
            parameters: &options.parameters,
        };
        let template = Template::read(&options.template, &known)?;
        let front = listen(options.port).await?;
        let binaries = tokio::task::spawn_blocking(functions::functions).await??;
        let database =
            DynamoDb::start(options.data.as_deref(), options.dynamodb.as_deref()).await?;
        let database = Arc::new(database);
        database.create(&template.tables).await?;

        let mut tasks = JoinSet::new();
        let (mut functions, consumers) = template.processes(options.processes);
        for function in &mut functions {
            function.environment.extend(options.environment.clone());
        }
        let workers = Workers::new(&functions);
        let (queues, mails) = (Queues::new(&template.queues), Mails::default());
        let bus = Bus::new(template.buses, template.rules, queues.clone());
        let internal = Router::new()
            .nest("/runtime", runtime_api::router(&workers))
            .nest_service("/eventbridge/", bus.router())
            .nest_service("/sqs/", sqs::router(&queues))
            .nest("/ses", mails.router());
        let listener = listen(0).await?;
        let surroundings = Surroundings {
            internal: url(listener.local_addr()?),
            dynamodb: database.url.clone(),
            quiet: options.quiet,
        };
        tasks.spawn(serve(listener, internal));

        let processes = Processes::start(&functions, binaries, &surroundings, &workers)?;
        for function in &functions {
            let id = &function.id;
            match tokio::time::timeout(START, workers.ready(id)).await {
                Ok(true) => {}
                Ok(false) => bail!("{id} ends before it asks for work, see its log"),
                Err(_) => bail!("{id} did not ask for work within {START:?}, see its log"),
            }
        }
        let mut streams = Vec::new();
        for mapping in template.streams {
            let reader = StreamReader::new(mapping, database.clone(), workers.clone());
            streams.push(reader.progress());
            tasks.spawn(reader.run());
        }
        for mapping in &consumers {
            tasks.spawn(queues.clone().deliver(mapping.clone(), workers.clone()));
        }
        for schedule in &template.schedules {
            tasks.spawn(schedules::run(schedule.clone(), workers.clone()));
        }
        let api = url(front.local_addr()?);
        tasks.spawn(serve(
            front,
            Gateway::new(template.routes, workers.clone(), mails.clone()).router(),
        ));

        let dynamodb = surroundings.dynamodb;
        if let Some(file) = &options.ready_file {
            let console = format!("{api}/console");
            let ready = json!({ "api": api, "console": console, "dynamodb": dynamodb });
            write(file, &ready)
                .await
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(Stack {
            api,
            dynamodb,
            database,
            workers,
            mails,
            queues,
            bus,
            consumers,
            schedules: template.schedules,
            streams,
            processes,
            tasks,
        })
    }

    /// Kills the processes of a function; they are started again.
    pub fn kill(&self, function: &str) {
        self.workers.kill(function);
    }

    /// Calls a scheduled function once, now.
    ///
    /// # Errors
    /// It fails, or has no schedule.
    pub async fn tick(&self, function: &str) -> anyhow::Result<()> {
        let mut schedules = self.schedules.iter();
        let schedule = schedules.find(|schedule| schedule.function == function);
        let schedule = schedule.with_context(|| format!("{function} has no schedule"))?;
        let called = schedules::call(schedule, &self.workers).await;
        called.map_err(|error| anyhow!("{function}: {error}"))
    }

    /// Lets nothing through a rule any more, by its logical id.
    ///
    /// # Errors
    /// There is no such rule.
    pub fn disable(&self, rule: &str) -> anyhow::Result<()> {
        ensure!(self.bus.enable(rule, false), "there is no rule {rule}");
        Ok(())
    }

    /// Lets a rule that was disabled do its work again. What came in between is not made up for.
    ///
    /// # Errors
    /// There is no such rule.
    pub fn enable(&self, rule: &str) -> anyhow::Result<()> {
        ensure!(self.bus.enable(rule, true), "there is no rule {rule}");
        Ok(())
    }

    /// From now on loses what comes on the tables' streams, or no more, as when functions are down for longer than the
    /// streams keep records. Let the stack settle before each call.
    pub fn lose_streams(&self, loses: bool) {
        self.streams.iter().for_each(|stream| stream.lose(loses));
    }

    /// The mails that would have been sent.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.all()
    }

    /// What was done so far, in the units that AWS bills.
    pub fn counted(&self) -> Counted {
        let (puts, entries) = self.bus.counted();
        Counted {
            calls: self.workers.called(),
            puts,
            entries,
            messages: self.queues.sent(),
        }
    }

    /// What lies on a queue, such as a dead-letter queue, by its logical id.
    pub fn messages(&self, queue: &str) -> Vec<Message> {
        self.queues.messages(queue)
    }

    /// The stream records that a function failed on for good.
    pub fn given_up(&self) -> Vec<Value> {
        self.streams.iter().flat_map(Progress::given_up).collect()
    }

    /// Waits until the streams are read to their ends and the queues are empty.
    ///
    /// # Errors
    /// That is not so within `timeout`.
    pub async fn settled(&self, timeout: Duration) -> anyhow::Result<()> {
        let settle = async {
            loop {
                let sent = self.queues.sent();
                if self.is_idle() {
                    for stream in &self.streams {
                        stream.caught_up().await;
                    }
                    if self.is_idle() && self.queues.sent() == sent {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let settled = tokio::time::timeout(timeout, settle).await;
        settled.map_err(|_| anyhow!("the stack did not settle within {timeout:?}"))
    }

    /// Stops everything; returns when all processes are gone.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.processes.stop().await;
        drop(self.database);
    }

    fn is_idle(&self) -> bool {
        self.queues
            .are_empty(self.consumers.iter().map(|mapping| mapping.queue.as_str()))
    }
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!(
                "port {port} is in use; choose another one with --port, or any that is free with --port 0"
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on port {port}")),
    }
}

async fn serve(listener: TcpListener, router: Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).await {
        tracing::error!(%error, "a server of the local stack ended");
    }
}

/// Written beside and moved, so that nobody reads half of it.
async fn write(file: &PathBuf, ready: &Value) -> std::io::Result<()> {
    let mut part = file.clone().into_os_string();
    part.push(".part");
    tokio::fs::write(&part, ready.to_string()).await?;
    tokio::fs::rename(&part, file).await
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
