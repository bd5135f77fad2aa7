//! What the demo's people made and used, as tables.
//!
//! Owns this data. It must not know how it is inserted.

use policy::{ResourceKind, ResourceState, UsageKind, UsageUnit};

/// A project of the demo.
#[derive(Clone, Copy)]
pub(super) enum In {
    Default,
    Research,
    Production,
}

/// A person of the demo.
#[derive(Clone, Copy)]
pub(super) enum By {
    Adam,
    Maya,
    Noah,
    Mia,
}

/// A resource of the demo. The fields are in the order of the kind.
pub(super) struct Made {
    pub(super) days_ago: i64,
    pub(super) project: In,
    pub(super) by: By,
    pub(super) kind: ResourceKind,
    pub(super) name: &'static str,
    pub(super) state: ResourceState,
    pub(super) fields: &'static [&'static str],
}

macro_rules! made {
    ($($days:literal $project:ident $by:ident $kind:ident $name:literal $state:ident [$($field:expr),*];)*) => {
        &[$(Made {
            days_ago: $days,
            project: In::$project,
            by: By::$by,
            kind: ResourceKind::$kind,
            name: $name,
            state: ResourceState::$state,
            fields: &[$($field),*],
        }),*]
    };
}

const H100: &str = "NVIDIA H100 SXM 80 GB";
const A100: &str = "NVIDIA A100 80 GB";
const L40S: &str = "NVIDIA L40S 48 GB";
const LLAMA_8B: &str = "meta-llama/Llama-3.1-8B-Instruct";
const LLAMA_70B: &str = "meta-llama/Llama-3.3-70B-Instruct";
const QWEN: &str = "Qwen/Qwen2.5-7B-Instruct";

/// The resources. The oldest comes first, since ids grow with time.
pub(super) const RESOURCES: &[Made] = made! {
    82 Production Adam Volume "model-weights" Ready ["10240", "shared", "eu-north-1"];
    81 Production Adam Cluster "inference-eu" Running [H100, "6", "8", "kubernetes", "eu-north-1", ""];
    78 Research Maya Cluster "legacy-a100" Stopped [A100, "2", "8", "slurm", "eu-north-1", ""];
    75 Research Maya Volume "datasets" Ready ["51200", "shared", "eu-north-1"];
    74 Research Maya Cluster "training" Running
        [H100, "16", "8", "slurm", "eu-north-1", "", "login.training.acme.test"];
    74 Research Maya Volume "scratch" Ready ["3840", "local", "eu-north-1"];
    71 Default Noah File "welcome-examples.jsonl" Ready ["fine_tuning", "4821190"];
    69 Default Noah Model "hello-lora" Ready [QWEN, "lora"];
    66 Research Mia File "instructions-train.jsonl" Ready ["fine_tuning", "1932735283"];
    66 Research Mia File "instructions-holdout.jsonl" Ready ["evaluation", "96636764"];
    60 Research Mia Model "summarizer-v1" Ready [LLAMA_8B, "lora"];
    52 Research Maya Volume "checkpoints" Ready ["20480", "shared", "eu-north-1"];
    47 Production Adam Endpoint "chat" Running [LLAMA_70B, H100, "12", "https://chat.acme.test/v1"];
    41 Research Mia Model "summarizer-v2" Ready [LLAMA_8B, "full"];
    39 Research Mia Evaluation "summarizer-v2-holdout" Completed ["summarizer-v2", "ROUGE-L", "44.1"];
    36 Production Adam Model "summarizer" Ready [LLAMA_8B, "full"];
    35 Production Adam Endpoint "summarizer" Running ["summarizer", H100, "4", "https://summarizer.acme.test/v1"];
    33 Production Adam Endpoint "embeddings" Stopped ["BAAI/bge-m3", L40S, "0"];
    28 Default Noah Evaluation "hello-lora-mmlu" Completed ["hello-lora", "MMLU", "61.8 %"];
    26 Default Adam Endpoint "playground" Running [LLAMA_8B, L40S, "1"];
    21 Research Maya Cluster "sweeps" Running [H100, "4", "8", "kubernetes", "us-east-2", ""];
    17 Research Mia Model "router-small" Failed [QWEN, "lora"];
    16 Research Mia Evaluation "router-small-gsm8k" Failed ["router-small", "GSM8K", ""];
    9 Production Adam Evaluation "chat-regression" Completed ["chat", "MT-Bench", "8.6"];
    6 Research Maya Endpoint "summarizer-staging" Running ["summarizer-v2", H100, "1"];
    3 Production Adam File "batch-requests.jsonl" Ready ["batch", "288358400"];
    2 Research Mia Model "summarizer-v3" Running [LLAMA_8B, "full"];
    1 Research Mia Evaluation "summarizer-v3-holdout" Queued ["summarizer-v3", "ROUGE-L", ""];
    1 Production Adam Cluster "inference-us" Creating [H100, "2", "8", "kubernetes", "us-east-2", "ubuntu"];
    0 Research Maya File "protein-pairs.jsonl" Creating ["fine_tuning", "0"];
    0 Production Adam Evaluation "chat-nightly" Queued ["chat", "MT-Bench", ""];
};

/// What is used each day: where, what, in which unit, the approximate cost in US dollars, and the quantity that one
/// dollar buys.
pub(super) const USED_DAILY: [(In, UsageKind, UsageUnit, u64, u64); 9] = [
    (In::Default, UsageKind::Playground, UsageUnit::Tokens, 14, 1_600_000),
    (In::Default, UsageKind::Endpoint, UsageUnit::GpuSeconds, 29, 3_000),
    (In::Research, UsageKind::Cluster, UsageUnit::GpuSeconds, 6_400, 1_440),
    (In::Research, UsageKind::Volume, UsageUnit::GibHours, 184, 10_000),
    (In::Research, UsageKind::Model, UsageUnit::Tokens, 310, 2_000_000),
    (In::Research, UsageKind::Evaluation, UsageUnit::Requests, 45, 900),
    (In::Production, UsageKind::Cluster, UsageUnit::GpuSeconds, 2_300, 1_440),
    (In::Production, UsageKind::Endpoint, UsageUnit::GpuSeconds, 1_150, 1_200),
    (In::Production, UsageKind::Volume, UsageUnit::GibHours, 25, 10_000),
];
