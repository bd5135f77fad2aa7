//! The work of the demo's people: resources of every kind in each project, and two months of usage. The data is always
//! the same, counted back from the day it is loaded.
//!
//! Owns this data. It must not know the people beyond their ids.

use std::collections::BTreeMap;

use policy::{
    Details, FieldValue, OrganizationId, ProjectId, ResourceField, ResourceId, ResourceKind, ResourceState, UsageKind,
    UsageRecordId, UsageUnit, UserId,
};
use time::{Duration, OffsetDateTime, Weekday};
use uuid::Uuid;

use super::parse;
use crate::{
    Result, UsageRecord,
    authorization::writer::Writer,
    resources::{self, NewResource},
    usage::{self, Books},
};

/// The number of days with usage.
const DAYS: u32 = 60;

/// The projects and people of the demo.
pub(super) struct Scene {
    pub(super) organization: OrganizationId,
    pub(super) default: ProjectId,
    pub(super) research: ProjectId,
    pub(super) production: ProjectId,
    pub(super) adam: UserId,
    pub(super) maya: UserId,
    pub(super) noah: UserId,
    pub(super) mia: UserId,
}

/// Inserts the resources and the usage, up to `now`.
pub(super) async fn fill(db: &mut Writer, scene: &Scene, now: OffsetDateTime) -> Result<()> {
    use ResourceKind::{Cluster, Endpoint, Evaluation, File, Model, Volume};
    use ResourceState::{Completed, Creating, Failed, Queued, Ready, Running, Stopped};
    let Scene {
        organization,
        default,
        research,
        production,
        adam,
        maya,
        noah,
        mia,
    } = *scene;
    let (h100, a100, l40s) = ("NVIDIA H100 SXM 80 GB", "NVIDIA A100 80 GB", "NVIDIA L40S 48 GB");
    let (llama_8b, llama_70b) = ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.3-70B-Instruct");
    let qwen = "Qwen/Qwen2.5-7B-Instruct";
    // The oldest comes first, since ids grow with time. The fields are in the order of the kind.
    for (days, project, by, kind, name, state, fields) in [
        (
            82,
            production,
            adam,
            Volume,
            "model-weights",
            Ready,
            vec!["10240", "shared", "eu-north-1"],
        ),
        (
            81,
            production,
            adam,
            Cluster,
            "inference-eu",
            Running,
            vec![h100, "6", "8", "kubernetes", "eu-north-1", ""],
        ),
        (
            78,
            research,
            maya,
            Cluster,
            "legacy-a100",
            Stopped,
            vec![a100, "2", "8", "slurm", "eu-north-1", ""],
        ),
        (
            75,
            research,
            maya,
            Volume,
            "datasets",
            Ready,
            vec!["51200", "shared", "eu-north-1"],
        ),
        (
            74,
            research,
            maya,
            Cluster,
            "training",
            Running,
            vec![h100, "16", "8", "slurm", "eu-north-1", "", "login.training.acme.test"],
        ),
        (
            74,
            research,
            maya,
            Volume,
            "scratch",
            Ready,
            vec!["3840", "local", "eu-north-1"],
        ),
        (
            71,
            default,
            noah,
            File,
            "welcome-examples.jsonl",
            Ready,
            vec!["fine_tuning", "4821190"],
        ),
        (69, default, noah, Model, "hello-lora", Ready, vec![qwen, "lora"]),
        (
            66,
            research,
            mia,
            File,
            "instructions-train.jsonl",
            Ready,
            vec!["fine_tuning", "1932735283"],
        ),
        (
            66,
            research,
            mia,
            File,
            "instructions-holdout.jsonl",
            Ready,
            vec!["evaluation", "96636764"],
        ),
        (60, research, mia, Model, "summarizer-v1", Ready, vec![llama_8b, "lora"]),
        (
            52,
            research,
            maya,
            Volume,
            "checkpoints",
            Ready,
            vec!["20480", "shared", "eu-north-1"],
        ),
        (
            47,
            production,
            adam,
            Endpoint,
            "chat",
            Running,
            vec![llama_70b, h100, "12", "https://chat.acme.test/v1"],
        ),
        (41, research, mia, Model, "summarizer-v2", Ready, vec![llama_8b, "full"]),
        (
            39,
            research,
            mia,
            Evaluation,
            "summarizer-v2-holdout",
            Completed,
            vec!["summarizer-v2", "ROUGE-L", "44.1"],
        ),
        (36, production, adam, Model, "summarizer", Ready, vec![llama_8b, "full"]),
        (
            35,
            production,
            adam,
            Endpoint,
            "summarizer",
            Running,
            vec!["summarizer", h100, "4", "https://summarizer.acme.test/v1"],
        ),
        (
            33,
            production,
            adam,
            Endpoint,
            "embeddings",
            Stopped,
            vec!["BAAI/bge-m3", l40s, "0"],
        ),
        (
            28,
            default,
            noah,
            Evaluation,
            "hello-lora-mmlu",
            Completed,
            vec!["hello-lora", "MMLU", "61.8 %"],
        ),
        (
            26,
            default,
            adam,
            Endpoint,
            "playground",
            Running,
            vec![llama_8b, l40s, "1"],
        ),
        (
            21,
            research,
            maya,
            Cluster,
            "sweeps",
            Running,
            vec![h100, "4", "8", "kubernetes", "us-east-2", ""],
        ),
        (17, research, mia, Model, "router-small", Failed, vec![qwen, "lora"]),
        (
            16,
            research,
            mia,
            Evaluation,
            "router-small-gsm8k",
            Failed,
            vec!["router-small", "GSM8K", ""],
        ),
        (
            9,
            production,
            adam,
            Evaluation,
            "chat-regression",
            Completed,
            vec!["chat", "MT-Bench", "8.6"],
        ),
        (
            6,
            research,
            maya,
            Endpoint,
            "summarizer-staging",
            Running,
            vec!["summarizer-v2", h100, "1"],
        ),
        (
            3,
            production,
            adam,
            File,
            "batch-requests.jsonl",
            Ready,
            vec!["batch", "288358400"],
        ),
        (
            2,
            research,
            mia,
            Model,
            "summarizer-v3",
            Running,
            vec![llama_8b, "full"],
        ),
        (
            1,
            research,
            mia,
            Evaluation,
            "summarizer-v3-holdout",
            Queued,
            vec!["summarizer-v3", "ROUGE-L", ""],
        ),
        (
            1,
            production,
            adam,
            Cluster,
            "inference-us",
            Creating,
            vec![h100, "2", "8", "kubernetes", "us-east-2", "ubuntu"],
        ),
        (
            0,
            research,
            maya,
            File,
            "protein-pairs.jsonl",
            Creating,
            vec!["fine_tuning", "0"],
        ),
        (
            0,
            production,
            adam,
            Evaluation,
            "chat-nightly",
            Queued,
            vec!["chat", "MT-Bench", ""],
        ),
    ] {
        let resource = NewResource {
            id: ResourceId(db.new_id()),
            kind,
            name: &parse(name)?,
            state,
            details: &details(kind, &fields)?,
        };
        let at = now - Duration::days(days);
        resources::insert(db, (organization, project), &resource, (Some(by), None), at).await?;
    }

    let mut records = Vec::new();
    for day in (0..DAYS).rev() {
        let at = now - Duration::days(i64::from(day));
        // The approximate cost of a day in US dollars, and the quantity that one dollar buys.
        for (nth, (project, kind, unit, dollars, per_dollar)) in [
            (default, UsageKind::Playground, UsageUnit::Tokens, 14, 1_600_000),
            (default, UsageKind::Endpoint, UsageUnit::GpuSeconds, 29, 3_000),
            (research, UsageKind::Cluster, UsageUnit::GpuSeconds, 6_400, 1_440),
            (research, UsageKind::Volume, UsageUnit::GibHours, 184, 10_000),
            (research, UsageKind::Model, UsageUnit::Tokens, 310, 2_000_000),
            (research, UsageKind::Evaluation, UsageUnit::Requests, 45, 900),
            (production, UsageKind::Cluster, UsageUnit::GpuSeconds, 2_300, 1_440),
            (production, UsageKind::Endpoint, UsageUnit::GpuSeconds, 1_150, 1_200),
            (production, UsageKind::Volume, UsageUnit::GibHours, 25, 10_000),
        ]
        .into_iter()
        .enumerate()
        {
            let share = share(kind, at, day, nth);
            let cost_micros = dollars * 10_000 * share;
            let record = UsageRecord {
                id: UsageRecordId(db.new_id()),
                at,
                kind,
                resource: None,
                quantity: cost_micros * per_dollar / 1_000_000,
                unit,
                cost_micros,
                corrects: None,
            };
            records.push((project, record));
        }
    }
    let records: Vec<_> = records.iter().map(|(project, record)| (*project, record)).collect();
    let books = Books {
        organization,
        project: ProjectId(Uuid::nil()),
        reporter: None,
        key: None,
        meter: None,
        corrects_others: false,
    };
    usage::insert(db, &books, &records, now).await?;
    Ok(())
}

/// Returns a day's usage in hundredths of a full day's: less on weekends, more from week to week, and with small
/// variations.
fn share(kind: UsageKind, at: OffsetDateTime, days_ago: u32, nth: usize) -> u64 {
    // Stored data is stored on Sundays too.
    if kind == UsageKind::Volume {
        return 100;
    }
    let week = match at.weekday() {
        Weekday::Saturday => 58,
        Weekday::Sunday => 51,
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => 88,
    };
    let growth = u64::from(DAYS - days_ago) / 3;
    let chance = (u64::from(days_ago) * 37 + nth as u64 * 11) % 23;
    week + growth + chance
}

/// Returns the fields of a resource, in the order of its kind; an empty text leaves a field empty.
fn details(kind: ResourceKind, values: &[&str]) -> Result<Details> {
    let by_field: BTreeMap<ResourceField, Option<FieldValue>> = kind
        .fields()
        .iter()
        .zip(values)
        .map(|(field, value)| Ok((*field, field.read(value)?)))
        .collect::<Result<_>>()?;
    Ok(Details::read(kind, |field| {
        Ok(by_field.get(&field).cloned().flatten())
    })?)
}
