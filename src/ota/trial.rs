//! What becomes of the running system: after every start it is looked at, and marked good once it does what it is for. A new one
//! that does not is marked bad, and the machine restarted into the one before, which then says so.

use std::time::Duration;

use tokio::time::sleep;

use super::Installer;
use super::attempt::Attempt;
use super::attempt::Outcome;
use super::attempt::Situation;
use super::rauc::Rauc;
use super::selftest;
use super::selftest::Fault;
use super::selftest::Mark;
use super::selftest::Probes;
use super::updater::Updater;
use crate::bus::BusError;
use crate::clock::BootId;
use crate::limits::RECORDER_RETRY_MS;
use crate::limits::UPDATE_BUS_MS_MAX;
use crate::limits::UPDATE_LAST_WORDS_MS;
use crate::records::Notice;
use crate::records::Record;
use crate::records::UpdateChange;
use crate::records::detail;

/// Words of the alert that a system on trial reads back from its store.
const MARK: &str = "update_testing";

impl Updater {
    /// Decides what becomes of the running system; `newest_seq` is the newest durable message at the start. Returns once that is
    /// decided.
    pub async fn settle(&self, probes: &Probes, newest_seq: u64) {
        if self.settings.installer == Installer::None {
            return;
        }
        match self.found().await {
            Ok((rauc, booted)) => self.settle_slot(&rauc, &booted, probes, newest_seq).await,
            Err(error) => tracing::error!(%error, "the running system cannot be marked good"),
        }
    }

    /// The installer, and the slot that runs. The bus may be up later than this service.
    async fn found(&self) -> Result<(Rauc, String), BusError> {
        let until = self.clock.now() + Duration::from_millis(UPDATE_BUS_MS_MAX);
        loop {
            let found = async {
                let rauc = Rauc::connect().await?;
                let booted = rauc.slots().await?.into_iter().find(|slot| slot.booted);
                let booted = booted.ok_or_else(|| BusError::Strange("the installer", "no slot is booted".to_owned()))?;
                Ok((rauc, booted.bootname))
            };
            match found.await {
                Err(_) if self.clock.now() < until => sleep(Duration::from_millis(RECORDER_RETRY_MS)).await,
                outcome => return outcome,
            }
        }
    }

    async fn settle_slot(&self, rauc: &Rauc, booted: &str, probes: &Probes, newest_seq: u64) {
        let last = self.log.read();
        let situation = last
            .as_ref()
            .map_or(Situation::Settled, |last| last.situation(booted, BootId::of_machine()));
        match (situation, last) {
            (Situation::OnTrial, Some(attempt)) => self.try_out(rauc, attempt, probes, newest_seq).await,
            (Situation::CameBack, Some(attempt)) => {
                self.tell_return(attempt);
                self.keep(rauc, probes).await;
            }
            (Situation::Interrupted, Some(attempt)) => {
                self.note(
                    attempt,
                    Outcome::Failed,
                    Some("the service ended while it was being installed".to_owned()),
                );
                self.keep(rauc, probes).await;
            }
            _ => self.keep(rauc, probes).await,
        }
    }

    /// A new system has its time to show that it does what it is for.
    async fn try_out(&self, rauc: &Rauc, attempt: Attempt, probes: &Probes, newest_seq: u64) {
        let version = attempt.version.clone();
        let limit = self.settings.selftest_max;
        self.set_testing(true);
        self.alert(
            UpdateChange::Testing,
            &format!("version {version} runs, and has {} s to show that it works", limit.as_secs()),
        );
        let attempt = self.note(attempt, Outcome::Testing, None);
        let mark: Mark = (newest_seq, MARK);
        match selftest::pass(probes, Some(mark), limit).await {
            Ok(()) => self.confirm(rauc, attempt).await,
            Err(faults) => self.reject(rauc, attempt, &faults).await,
        }
        self.set_testing(false);
    }

    async fn confirm(&self, rauc: &Rauc, attempt: Attempt) {
        if let Err(error) = rauc.mark_booted("good").await {
            // It stays on trial: the next start tries again, or the boot loader goes back.
            return tracing::error!(%error, "the new system works, and cannot be marked good");
        }
        let words = format!("version {} does what it is for, and is kept", attempt.version);
        self.note(attempt, Outcome::Confirmed, None);
        tracing::info!("{words}");
        self.alert(UpdateChange::Confirmed, &words);
    }

    /// Even where a step fails, the next is taken: the boot loader's counter goes back on its own in the end.
    async fn reject(&self, rauc: &Rauc, attempt: Attempt, faults: &[Fault]) {
        let why = selftest::words(faults);
        let words = format!("version {} is given up: {why}", attempt.version);
        tracing::error!("{words}");
        self.note(attempt, Outcome::Rejected, Some(why));
        self.alert(UpdateChange::Rejected, &words);
        sleep(Duration::from_millis(UPDATE_LAST_WORDS_MS)).await;
        if let Err(error) = rauc.mark_booted("bad").await {
            tracing::error!(%error, "the system cannot be marked bad");
        }
        if let Err(error) = rauc.reboot().await {
            tracing::error!(%error, "the machine cannot be restarted; its next start goes back");
        }
    }

    fn tell_return(&self, attempt: Attempt) {
        let silent = "it did not get as far as to say why";
        let why = attempt.why.clone().unwrap_or_else(|| silent.to_owned());
        let words = format!("back from version {} to {}: {why}", attempt.version, attempt.from_version);
        tracing::error!("{words}");
        self.note(attempt, Outcome::RolledBack, Some(why));
        self.alert(UpdateChange::RolledBack, &words);
    }

    /// A system that has proved itself is marked good once it works, so that the boot loader's counter begins anew. A camera that
    /// is gone by now is no reason to start another system; a store or a server that does not work is.
    async fn keep(&self, rauc: &Rauc, probes: &Probes) {
        let faults = selftest::pass(probes, None, self.settings.selftest_max)
            .await
            .err()
            .unwrap_or_default();
        let words = selftest::words(&faults);
        if faults.iter().any(Fault::is_of_system) {
            return tracing::error!(words, "the system is not marked good");
        }
        if !faults.is_empty() {
            tracing::warn!(words, "the system is marked good, as it proved itself before");
        }
        match rauc.mark_booted("good").await {
            Ok(()) => tracing::info!("the running system is marked good"),
            Err(error) => tracing::error!(%error, "the running system cannot be marked good"),
        }
    }

    /// Notes how far `attempt` came. A note that cannot be written costs the word about a return, and stops nothing.
    fn note(&self, attempt: Attempt, outcome: Outcome, why: Option<String>) -> Attempt {
        let timestamp = self.clock.wall().at;
        let attempt = Attempt {
            outcome,
            why,
            timestamp,
            ..attempt
        };
        if let Err(error) = self.log.write(&attempt) {
            tracing::error!(%error, "what became of the update cannot be noted");
        }
        attempt
    }

    fn alert(&self, change: UpdateChange, words: &str) {
        self.records
            .push(Record::Notice(self.clock.now(), Notice::Update(change), detail(words)));
    }
}
