//! What has to come out, to the last bit.

use std::path::Path;

use crate::detector::recording::{self, RATE_HZ, Unusable};
use crate::detector::{Detector, Summary};
use crate::messages::Figures;

/// What one thread without any channel finds in one pass.
pub(crate) struct Reference {
    pub(crate) beats: Vec<u64>,
    pub(crate) summary: Summary,
    /// After each sample: of all so far and what the filters make of them.
    digests: Vec<u64>,
}

impl Reference {
    pub(crate) fn read(data: &Path) -> Result<Self, Unusable> {
        let (mut detector, mut summary) = (Detector::new(RATE_HZ), Summary::new(RATE_HZ));
        let (mut beats, mut digests) = (Vec::new(), Vec::new());
        for sample in recording::read(data)? {
            summary.sample(sample);
            beats.extend(detector.push(sample));
            digests.push(detector.digest());
        }
        beats.extend(detector.finish());
        beats.iter().for_each(|&beat| summary.beat(beat));
        let beats: Vec<u64> = beats.iter().map(|beat| beat.sample).collect();
        assert!(beats == recording::reference_beats(), "the detector finds other beats than those on file");
        Ok(Self { beats, summary, digests })
    }

    /// Of so many samples and what the filters make of them.
    pub(crate) fn digest(&self, samples: u64) -> u64 {
        samples.checked_sub(1).map_or(0, |last| self.digests[last as usize])
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures::from(&self.summary)
    }
}
