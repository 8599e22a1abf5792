//! The floor: the shortest program that does the work of `work.yaml`, or of `nested.yaml`, for this one
//! vendor.
//!
//! In: the address of a simulated vendor. Out: the same rows in the same tables and indexes as the
//! engine's file, or as JSON Lines; or nothing, for measuring single stages. It checks nothing,
//! resumes nothing and knows no other vendor.
//!
//! ```text
//! rows  answers as typed rows, rows as messages      file  rows into a file, on a thread of its own
//! nested  teams in teams, and what follows from them
//! ```

mod file;
mod nested;
mod rows;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Client;
use serde_json::Value as Json;
use tokio::sync::Semaphore;

use crate::Failure;
use rows::{Member, Page, Team, User};

/// Pages that wait for being written.
const WAITING: usize = 8;

/// What to read, and how far to go with it.
#[derive(Args)]
pub struct Arguments {
    /// The vendor's address
    #[arg(long)]
    url: String,
    /// How far to go
    #[arg(long, value_enum, default_value_t = Stage::C1z)]
    stage: Stage,
    /// The file to write
    #[arg(long, default_value = "floor.c1z")]
    file: PathBuf,
    /// Most requests at a time
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
}

/// How far the work goes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Fetch and forget
    Fetch,
    /// Fetch, and parse into JSON values
    Tree,
    /// Fetch, and parse into typed rows
    Parse,
    /// JSON Lines
    Lines,
    /// A sync file
    C1z,
    /// A sync file of teams that may be members of teams
    Nested,
    /// The same, with the grants that follow
    Expanded,
}

impl Stage {
    fn is_nested(self) -> bool {
        matches!(self, Self::Nested | Self::Expanded)
    }

    /// What can hold an entitlement of a team.
    fn holders(self) -> &'static [&'static str] {
        if self.is_nested() { &["account", "team"] } else { &["account"] }
    }
}

/// Rows on their way into the file.
enum Batch {
    Users(Vec<rows::Encoded>),
    Teams(Vec<rows::Encoded>, Vec<rows::Encoded>),
    Grants(Vec<rows::GrantRow>),
    Members(nested::Members),
    Lines(Vec<u8>),
}

struct Floor {
    client: Client,
    url: String,
    stage: Stage,
    room: Semaphore,
    out: SyncSender<Batch>,
}

/// Reads a directory.
pub fn read(arguments: &Arguments) -> Result<(), Failure> {
    // The client wants one although no request is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (out, batches) = std::sync::mpsc::sync_channel(WAITING);
    let (path, stage) = (arguments.file.clone(), arguments.stage);
    let writer = std::thread::spawn(move || match stage {
        Stage::C1z | Stage::Nested | Stage::Expanded => file::write(&path, &batches, stage == Stage::Expanded),
        Stage::Lines => file::write_lines(&path, &batches),
        _ => Ok(()),
    });
    let floor = Arc::new(Floor {
        client: Client::builder().build()?,
        url: arguments.url.clone(),
        stage,
        // The lists of users and of teams are the longest chains and never wait for the others.
        room: Semaphore::new(arguments.concurrency.saturating_sub(1).max(1)),
        out,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async move { tokio::try_join!(floor.clone().users(), floor.teams()).map(|_| ()) });
    drop(runtime);
    let written = writer.join().map_err(|_| "the writer broke off")?;
    done?;
    written
}

impl Floor {
    /// The users, one page after the other; the next one is asked for while one is worked on.
    async fn users(self: Arc<Self>) -> Result<(), Failure> {
        let mut next = Some(tokio::spawn(fetched(self.clone(), "/v1/users?limit=1000".to_owned())));
        while let Some(fetching) = next.take() {
            let body = fetching.await??;
            match self.stage {
                Stage::Fetch => {
                    let cursor = last_cursor(&body);
                    next = cursor.map(|cursor| tokio::spawn(fetched(self.clone(), users_page(&cursor))));
                }
                Stage::Tree => {
                    let page: Json = serde_json::from_slice(&body)?;
                    let cursor = page.pointer("/data/next_cursor").and_then(Json::as_str);
                    next = cursor.map(|cursor| tokio::spawn(fetched(self.clone(), users_page(cursor))));
                }
                _ => {
                    let page: Page<User<'_>> = serde_json::from_slice(&body)?;
                    let cursor = page.data.next_cursor;
                    next = cursor.map(|cursor| tokio::spawn(fetched(self.clone(), users_page(cursor))));
                    match self.stage {
                        Stage::C1z | Stage::Nested | Stage::Expanded => {
                            self.put(Batch::Users(page.data.items.iter().map(rows::user).collect::<Result<_, _>>()?))?
                        }
                        Stage::Lines => self.put(Batch::Lines(rows::user_lines(&page.data.items)?))?,
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    async fn teams(self: Arc<Self>) -> Result<(), Failure> {
        let mut target = "/v1/teams?limit=1000".to_owned();
        loop {
            let body = fetched(self.clone(), target).await?;
            let page: Page<Team<'_>> = serde_json::from_slice(&body)?;
            match self.stage {
                Stage::C1z | Stage::Nested | Stage::Expanded => {
                    let teams = page.data.items.iter().map(rows::team).collect();
                    let entitlements = |row| rows::entitlements(row, self.stage.holders());
                    self.put(Batch::Teams(teams, page.data.items.iter().flat_map(entitlements).collect()))?;
                }
                Stage::Lines => self.put(Batch::Lines(rows::team_lines(&page.data.items)?))?,
                _ => {}
            }
            let teams = page.data.items.iter().map(|team| self.clone().members(team.id.to_owned()));
            let members = futures::stream::iter(teams.map(tokio::spawn)).buffer_unordered(usize::MAX);
            members.map(|ended| ended?).try_collect::<()>().await?;
            match page.data.next_cursor {
                Some(cursor) => target = format!("/v1/teams?limit=1000&cursor={cursor}"),
                None => return Ok(()),
            }
        }
    }

    async fn members(self: Arc<Self>, team: String) -> Result<(), Failure> {
        let permit = self.room.acquire().await?;
        let list = if self.stage.is_nested() { "members" } else { "users" };
        let body = fetched(self.clone(), format!("/v1/teams/{team}/{list}?limit=1000")).await?;
        drop(permit);
        match self.stage {
            Stage::Fetch => {}
            Stage::Nested | Stage::Expanded => {
                let page: Page<nested::Member<'_>> = serde_json::from_slice(&body)?;
                self.put(Batch::Members(nested::Members::of(&team, &page.data.items)))?;
            }
            Stage::Tree => drop(serde_json::from_slice::<Json>(&body)?),
            stage => {
                let page: Page<Member<'_>> = serde_json::from_slice(&body)?;
                match stage {
                    Stage::C1z => {
                        self.put(Batch::Grants(page.data.items.iter().map(|row| rows::grant(&team, row)).collect()))?;
                    }
                    Stage::Lines => self.put(Batch::Lines(rows::member_lines(&team, &page.data.items)?))?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Blocks while the writer is behind: that is what the threads are for.
    fn put(&self, batch: Batch) -> Result<(), Failure> {
        tokio::task::block_in_place(|| self.out.send(batch)).map_err(|_| "the writer has ended".into())
    }
}

async fn fetched(floor: Arc<Floor>, target: String) -> Result<Bytes, Failure> {
    let answer = floor.client.get(format!("{}{target}", floor.url)).bearer_auth("made-up").send().await?;
    Ok(answer.error_for_status()?.bytes().await?)
}

fn users_page(cursor: &str) -> String {
    format!("/v1/users?limit=1000&cursor={cursor}")
}

/// The cursor at the end of a page, without parsing the page.
fn last_cursor(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.rsplit_once(r#""next_cursor":""#)?;
    Some(rest.split('"').next()?.to_owned())
}
