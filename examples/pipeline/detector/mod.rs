//! Heartbeats in an ECG, found as the samples come: the detector of Pan and Tompkins.
//!
//! Source: Pan J, Tompkins WJ, "A Real-Time QRS Detection Algorithm", IEEE Trans Biomed Eng
//! BME-32(3):230-236, 1985. A beat is its QRS complex; the beat's place is the R peak in it.
//!
//! | step | paper, at 200 Hz | here, at `rate` Hz | at 360 Hz |
//! |---|---|---|---|
//! | S1 low-pass | `(1-z^-6)^2 / (1-z^-1)^2` | two running sums of 30 ms | 11 samples, null at 33 Hz |
//! | S2 high-pass | all-pass less a mean of 32 | the same over 160 ms, odd | 57 samples |
//! | S3 derivative | `(-x[-2] - 2x[-1] + 2x[1] + x[2]) / 8` | taps 5 ms apart | taps 2 apart |
//! | S4 square, integrate | mean over 30 samples, 150 ms | mean over 150 ms | 54 samples |
//! | S5 peak | fiducial mark on the integrated signal | highest within 200 ms on either side | 72 samples |
//! | S6 learn | about 2 s, then two beats | 2 s; see difference 4 | 720 samples |
//! | S7 refractory | 200 ms | 200 ms | 72 samples |
//! | S8 T wave | within 360 ms, slope under half of the last beat's | the same | 129 samples |
//! | S9 thresholds | `N + (S-N)/4` on integrated and filtered peaks | the same | |
//! | S10 levels | `S` or `N` moves by 1/8 towards the peak | the same | |
//! | S11 rhythm | two means of 8 intervals; limits 92 %, 116 %, 166 % | the same | |
//! | S12 search back | after 166 %, threshold halved, `S` moves by 1/4 | the same | |
//!
//! Differences from the paper:
//!
//! 1. The lengths are scaled from 200 Hz to the rate of the recording, and the high-pass is odd, so
//!    that the band-pass delays every frequency by the same whole number of samples.
//! 2. The high-pass is the one that the text describes, an all-pass less a low-pass, and not the
//!    difference equation printed with it, which needed correction.
//! 3. A peak counts once nothing higher has followed for 200 ms. The paper leaves the rule open.
//! 4. The paper does not say how the levels start. Here, after Sedghamiz ("Complete Pan-Tompkins
//!    implementation", 2014): signal at a third of the highest value of the first 2 s, noise at half
//!    of their mean. The peaks of those 2 s are then judged like all others, so no beat is lost.
//! 5. An irregular rhythm halves the first thresholds, as in the paper; the search-back threshold
//!    stays at half of the regular one.
//! 6. A peak above only one of its two thresholds is noise in both signals.
//! 7. After 8 s without a beat the detector learns anew, after Hamilton ("Open source ECG
//!    analysis", Computers in Cardiology 29:101-104, 2002): else one great artefact could raise the
//!    thresholds for good. It then takes no less than an eighth of the former height of beats in the
//!    filtered signal for signal, lest it make beats of the ripple on a silent line.
//! 8. The place reported is the extremum of the recording itself within 40 ms of the extremum of the
//!    filtered signal, not the fiducial mark.
//!
//! S1 to S4 look back over a fixed number of samples (`filters`): they can be worked out block by block, anywhere,
//! in any order. S5 to S12 remember (`qrs`, with `peaks` and `levels`): they are worked out in the order of the
//! samples. [`Detector`] is both, one after the other.
//!
//! All arithmetic is on integers: the same samples give the same beats on every machine. A beat is
//! known about half a second after it happened; later in the first two seconds, and by search-back.
//! No sample costs an allocation; learning costs one.

mod filters;
mod levels;
mod peaks;
mod qrs;
pub(crate) mod recording;
mod ring;
mod summary;

pub(crate) use filters::{Filters, Signals};
pub(crate) use qrs::{Beat, Detector, Finder, Found};
pub(crate) use summary::Summary;
