//! One update at a time: what comes in is judged, handed to the installer, and told of while it goes on.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use super::Installer;
use super::Settings;
use super::attempt::Attempt;
use super::attempt::Log;
use super::attempt::Outcome;
use super::job::Accepted;
use super::job::Job;
use super::job::Lane;
use super::job::Refusal;
use super::rauc::BundleInfo;
use super::rauc::Rauc;
use super::rauc::Slot;
use super::report::TaskNow;
use super::report::running_version;
use super::upload::Bundle;
use super::upload::Upload;
use super::version::Version;
use crate::board::Board;
use crate::bus::BusError;
use crate::clock::BootId;
use crate::clock::Clock;
use crate::hub::Hub;
use crate::hub::Message;
use crate::records::RecordQueue;
use crate::wire;
use crate::wire::Facts;
use crate::wire::Topic;
use crate::wire::news::Steps;
use crate::wire::news::Task;
use crate::wire::news::TaskCompleted;
use crate::wire::news::TaskFailed;
use crate::wire::news::TaskProgress;
use crate::wire::news::TaskStarted;

/// First bytes of a bundle: those of a squashfs.
pub const BUNDLE_MAGIC: [u8; 4] = *b"hsqs";

/// What the updater works with.
pub struct Parts {
    /// What the user set.
    pub settings: Settings,
    /// The data folder: room for a bundle, and the record of the last update.
    pub folder: PathBuf,
    /// Where tasks are told of.
    pub hub: Arc<Hub>,
    /// Where alerts go.
    pub records: Arc<RecordQueue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The updater.
pub struct Updater {
    pub(super) settings: Settings,
    pub(super) log: Log,
    pub(super) records: Arc<RecordQueue>,
    pub(super) clock: Arc<dyn Clock>,
    folder: PathBuf,
    hub: Arc<Hub>,
    lane: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    task: Option<TaskNow>,
    testing: bool,
    tasks: u64,
    /// What RAUC said of them last.
    slots: Vec<Slot>,
}

impl Updater {
    /// An updater, and the end of its queue that [`Updater::work`] takes from.
    pub fn new(parts: Parts) -> (Updater, mpsc::Receiver<Job>) {
        let (jobs, coming) = mpsc::channel(1); // as many as there are lanes
        let updater = Updater {
            log: Log::new(&parts.folder),
            folder: parts.folder,
            settings: parts.settings,
            hub: parts.hub,
            records: parts.records,
            clock: parts.clock,
            lane: Arc::new(Semaphore::new(1)),
            jobs,
            now: Mutex::default(),
        };
        (updater, coming)
    }

    /// Makes this the update that is under way.
    pub fn claim(&self) -> Result<Lane, Refusal> {
        if self.settings.installer == Installer::None {
            return Err(Refusal::Off);
        }
        let permit = Arc::clone(&self.lane).try_acquire_owned();
        permit.map(Lane).map_err(|_| Refusal::Busy)
    }

    /// A file for a bundle of `bytes`, if it may be that long and the disk has the room.
    pub fn receive(&self, bytes: u64) -> Result<Upload, Refusal> {
        if bytes > self.settings.bundle_bytes_max {
            return Err(Refusal::TooLarge(self.settings.bundle_bytes_max));
        }
        if let Some(disk) = Board::here(&self.folder).disk() {
            let free = disk.free_bytes.saturating_sub(self.settings.reserve_bytes);
            if bytes > free {
                return Err(Refusal::NoRoom { free, wanted: bytes });
            }
        }
        let begun = Upload::begin(self.folder.join("update").join("bundle.raucb"));
        begun.map_err(|error| Refusal::Disk(error.to_string()))
    }

    /// Judges a bundle in a file and has it installed.
    pub async fn take_file(&self, lane: Lane, bundle: Bundle) -> Result<Accepted, Refusal> {
        let source = path_text(bundle.path()).map_err(|error| Refusal::Disk(error.to_string()))?;
        self.take(lane, source, Some(bundle)).await
    }

    /// Judges the bundle at an address, which the installer reads by itself, and has it installed.
    pub async fn take_address(&self, lane: Lane, url: String) -> Result<Accepted, Refusal> {
        self.take(lane, url, None).await
    }

    async fn take(&self, lane: Lane, source: String, bundle: Option<Bundle>) -> Result<Accepted, Refusal> {
        let rauc = Rauc::connect().await?;
        let info = rauc.inspect(&source).await.map_err(|error| match error {
            BusError::Refused(why) | BusError::Denied(why) => Refusal::Bundle(why),
            other => other.into(),
        })?;
        self.judge(&rauc, &info).await?;
        let accepted = Accepted {
            task_id: self.next_task(),
            version: info.version.clone(),
        };
        let job = Job {
            task_id: accepted.task_id.clone(),
            source,
            info,
            bundle,
            lane,
        };
        self.jobs.try_send(job).map_err(|_| Refusal::Busy)?;
        Ok(accepted)
    }

    /// Refuses what is for other devices, and what is older than what runs.
    async fn judge(&self, rauc: &Rauc, info: &BundleInfo) -> Result<(), Refusal> {
        let wanted = rauc.compatible().await?;
        if info.compatible != wanted {
            let found = info.compatible.clone();
            return Err(Refusal::Incompatible { found, wanted });
        }
        let running = running_version(&rauc.slots().await?);
        let found = Version::parse(&info.version).ok_or_else(|| Refusal::Unversioned(info.version.clone()))?;
        match Version::parse(&running) {
            Some(known) if found < known => Err(Refusal::Older {
                found: info.version.clone(),
                running,
            }),
            _ => Ok(()),
        }
    }

    /// Installs what was taken on, one after another; never returns while the updater lives.
    pub async fn work(&self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.recv().await {
            let outcome = self.install(&job).await;
            self.finish(&job, outcome);
        }
    }

    async fn install(&self, job: &Job) -> Result<(), String> {
        let (task, version) = (self.task(job), &job.info.version);
        tracing::info!(task = job.task_id, version, "an update is being installed");
        self.begin(job);
        self.tell(Topic::TaskStarted, &TaskStarted { task });
        let rauc = Rauc::connect().await.map_err(|error| error.to_string())?;
        let slots = rauc.slots().await.map_err(|error| error.to_string())?;
        self.know(&slots);
        let other = slots.iter().find(|slot| !slot.booted);
        let attempt = Attempt {
            version: version.clone(),
            from_version: running_version(&slots),
            slot: other.map(|slot| slot.bootname.clone()).unwrap_or_default(),
            outcome: Outcome::Installing,
            why: None,
            timestamp: self.clock.wall().at,
            boot_id: BootId::of_machine(),
        };
        self.log.write(&attempt).map_err(|error| error.to_string())?;
        let installed = rauc
            .install(&job.source, |hundredths, words| self.progress(job, hundredths, words))
            .await;
        let (outcome, why) = match &installed {
            Ok(()) => (Outcome::Installed, None),
            Err(error) => (Outcome::Failed, Some(error.to_string())),
        };
        let written = self.log.write(&Attempt { outcome, why, ..attempt });
        installed.map_err(|error| error.to_string())?;
        written.map_err(|error| format!("it is installed, and could not be noted: {error}"))
    }

    fn finish(&self, job: &Job, outcome: Result<(), String>) {
        let message = "the new system begins with the next boot";
        let task = Task { message, ..self.task(job) };
        self.lock().task = None;
        match outcome {
            Ok(()) => {
                tracing::info!(task = job.task_id, "{message}");
                self.tell(
                    Topic::TaskCompleted,
                    &TaskCompleted {
                        task,
                        result_url: Some("/api/update"),
                    },
                );
            }
            Err(error) => {
                tracing::error!(task = job.task_id, error, "an update came to nothing");
                let task = self.task(job);
                self.tell(Topic::TaskFailed, &TaskFailed { task, error: &error });
            }
        }
    }

    fn task<'a>(&self, job: &'a Job) -> Task<'a> {
        Task {
            task_id: &job.task_id,
            task_type: "update",
            message: &job.info.version,
        }
    }

    fn begin(&self, job: &Job) {
        self.lock().task = Some(TaskNow {
            task_id: job.task_id.clone(),
            version: job.info.version.clone(),
            percentage: 0,
            message: String::new(),
        });
    }

    fn progress(&self, job: &Job, hundredths: u8, words: &str) {
        if let Some(task) = &mut self.lock().task {
            task.percentage = hundredths;
            words.clone_into(&mut task.message);
        }
        let task = Task {
            message: words,
            ..self.task(job)
        };
        let progress = Steps::new(hundredths.into(), 100);
        self.tell(Topic::TaskProgress, &TaskProgress { task, progress });
    }

    fn tell<M: wire::Message>(&self, topic: Topic, message: &M) {
        let published = self.hub.publish(Message {
            seq: None,
            topic,
            text: wire::encode(self.clock.wall().at, message),
            facts: Facts::default(),
        });
        if let Err(error) = published {
            tracing::error!(%error, "a message of our own was refused");
        }
    }

    /// Restarts the machine in good order; refused while an update is under way.
    pub async fn reboot(&self) -> Result<(), Refusal> {
        let _lane = self.claim()?;
        Ok(Rauc::connect().await?.reboot().await?)
    }

    pub(super) fn set_testing(&self, testing: bool) {
        self.lock().testing = testing;
    }

    /// Whether an update is under way.
    pub(super) fn is_claimed(&self) -> bool {
        self.lane.available_permits() == 0
    }

    /// What is being installed.
    pub(super) fn task_now(&self) -> Option<TaskNow> {
        self.lock().task.clone()
    }

    /// The slots as they were when RAUC was last asked.
    pub(super) fn known_slots(&self) -> Vec<Slot> {
        self.lock().slots.clone()
    }

    /// Remembers what RAUC said of the slots.
    pub(super) fn know(&self, slots: &[Slot]) {
        self.lock().slots = slots.to_vec();
    }

    /// Whether the running system is being tested.
    pub(super) fn is_testing(&self) -> bool {
        self.lock().testing
    }

    fn next_task(&self) -> String {
        let mut now = self.lock();
        now.tasks += 1;
        format!("update-{}", now.tasks)
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn path_text(path: &Path) -> io::Result<String> {
    let path = std::path::absolute(path)?;
    path.into_os_string()
        .into_string()
        .map_err(|_| io::Error::other("the data folder's path is not text"))
}
