//! The heartbeat detector of the pipeline example, on its recording and on signals made up for it.

#[path = "../examples/pipeline/detector/mod.rs"]
mod detector;

use detector::recording::{self, RATE_HZ, SAMPLES, UNITS_PER_MV, ZERO};
use detector::{Beat, Detector, Filters, Finder, Found, Signals, Summary};
use std::path::Path;

/// Where an independent detector was run on the recording: its name, and the beats it found.
const PUBLISHED: [(&str, u64); 4] = [("Hamilton", 431), ("XQRS", 452), ("Pan-Tompkins", 495), ("GQRS", 503)];

fn recorded() -> Vec<u16> {
    recording::read(Path::new(recording::PATH)).expect("the recording ships with the source")
}

fn beats_in(samples: impl IntoIterator<Item = u16>) -> Vec<Beat> {
    let mut detector = Detector::new(RATE_HZ);
    let mut beats: Vec<Beat> = samples.into_iter().filter_map(|sample| detector.push(sample)).collect();
    beats.extend(detector.finish());
    beats
}

fn places(beats: &[Beat]) -> Vec<u64> {
    beats.iter().map(|beat| beat.sample).collect()
}

/// Compares beat for beat; a failure names the first difference only.
fn assert_same(found: &[u64], expected: &[u64], what: &str) {
    let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let (one, other) = (found.get(same), expected.get(same));
    assert_eq!(one, other, "{what}: beat {same} of {} differs, {} expected", found.len(), expected.len());
}

fn summary_of_the_recording() -> Summary {
    let mut summary = Summary::new(RATE_HZ);
    recorded().into_iter().for_each(|sample| summary.sample(sample));
    beats_in(recorded()).into_iter().for_each(|beat| summary.beat(beat));
    summary
}

/// Random numbers that are the same on every run (a linear congruential generator, high bits).
fn noise(seed: u64) -> impl FnMut(u16) -> i64 {
    let mut state = seed;
    move |span| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % (2 * i64::from(span) + 1) - i64::from(span)
    }
}

/// An ECG of `seconds` with an R peak `height` units high at each place, a Q and an S dip round it,
/// a P wave before and a T wave after it, on a wandering baseline.
fn synthetic(seconds: u64, r_peaks: &[(u64, i64)]) -> Vec<u16> {
    let bump = |distance: i64, half: i64, height: i64| (half - distance.abs()).max(0) * height / half;
    let samples = 0..(seconds * u64::from(RATE_HZ)) as i64;
    let value = |at: i64| {
        let heart = r_peaks.iter().map(|&(peak, height)| {
            let d = at - peak as i64;
            bump(d, 12, height) - bump(d + 16, 6, height / 8) - bump(d - 16, 6, height / 8)
                + bump(d + 60, 20, height / 10)
                + bump(d - 100, 36, height / 4)
        });
        heart.sum::<i64>() + (at % 1_440 - 720).abs() / 12
    };
    samples.map(|at| (i64::from(ZERO) + value(at)) as u16).collect()
}

/// Places of R peaks `interval` apart, but for a wobble of a few samples.
fn r_peaks(first: u64, interval: u64, count: u64) -> Vec<(u64, i64)> {
    (0..count).map(|beat| (first + beat * interval + beat * beat % 7, 240)).collect()
}

fn only_places(r_peaks: &[(u64, i64)]) -> Vec<u64> {
    r_peaks.iter().map(|&(at, _)| at).collect()
}

fn close(found: Option<f64>, expected: f64, within: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() <= within)
}

#[test]
fn the_recording_is_the_one_described() {
    // Length and checksum are those that `recording::read` insists on.
    assert_eq!(recorded().len() as u64, SAMPLES);
    let first = recorded().first().map(|&sample| f64::from(sample) - f64::from(ZERO));
    assert!(close(first.map(|units| units / f64::from(UNITS_PER_MV)), -0.245, 1e-12));
    let summary = summary_of_the_recording();
    assert!(close(summary.mean_mv(), -0.165_108_75, 1e-9), "{summary}");
    assert!(close(summary.sd_mv(), 0.599_247_4, 1e-7), "{summary}");
}

#[test]
fn the_reference_beats_are_those_of_a_fresh_run() {
    assert_same(&places(&beats_in(recorded())), &recording::reference_beats(), "recording");
}

#[test]
#[ignore = "writes examples/data/ecg-mitdb-208.beats anew; to be run after a change of the detector"]
fn write_the_reference_beats() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/ecg-mitdb-208.beats");
    let old = std::fs::read_to_string(path).expect("the reference beats can be read");
    let header = old.lines().filter(|line| line.starts_with('#')).map(str::to_owned);
    let beats = beats_in(recorded()).into_iter().map(|beat| beat.sample.to_string());
    let lines: String = header.chain(beats).map(|line| line + "\n").collect();
    std::fs::write(path, lines).expect("the reference beats can be written");
}

#[test]
fn the_count_lies_within_those_of_published_detectors() {
    let beats = summary_of_the_recording().beats();
    let counts = PUBLISHED.map(|(_, count)| count);
    let (least, most) = (counts.iter().min().copied(), counts.iter().max().copied());
    assert!(least <= Some(beats) && Some(beats) <= most, "{beats} beats, published: {PUBLISHED:?}");
}

#[test]
fn the_summary_of_the_recording_is_the_documented_one() {
    let summary = summary_of_the_recording();
    assert!(close(summary.beats_per_minute(), 100.2, 1e-9), "{summary}");
    assert!(close(summary.mean_rr_ms(), 598.6, 0.05), "{summary}");
    assert!(close(summary.sdnn_ms(), 254.0, 0.05), "{summary}");
    assert!(close(summary.rmssd_ms(), 352.7, 0.05), "{summary}");
    let line = "501 beats (0 by search-back), rate 100.2 per minute, mean RR 598.6 ms, SDNN 254.0 ms, \
                RMSSD 352.7 ms; signal mean -0.1651 mV, deviation 0.5992 mV";
    assert_eq!(summary.to_string(), line);
}

#[test]
fn every_beat_is_the_highest_sample_round_it() {
    let samples = recorded();
    let beats = places(&beats_in(recorded()));
    let on_a_peak = beats.iter().filter(|&&beat| {
        let near = &samples[(beat as usize).saturating_sub(5)..(beat as usize + 6).min(samples.len())];
        near.iter().max() == samples.get(beat as usize)
    });
    assert!(on_a_peak.count() + 3 >= beats.len());
    assert!(beats.windows(2).all(|pair| pair[1] - pair[0] >= 72), "two beats within 200 ms");
}

#[test]
fn a_synthetic_ecg_gives_exactly_its_r_peaks() {
    for interval in [150, 216, 300, 430] {
        let peaks = r_peaks(200, interval, 60 * 360 / interval - 2);
        let beats = beats_in(synthetic(60, &peaks));
        assert_same(&places(&beats), &only_places(&peaks), &format!("every {interval} samples"));
    }
}

#[test]
fn a_synthetic_ecg_under_noise_gives_every_r_peak_within_10_ms() {
    let peaks = r_peaks(200, 300, 70);
    let mut noise = noise(7);
    let noisy = synthetic(60, &peaks).into_iter().map(|sample| (i64::from(sample) + noise(12)) as u16);
    let beats = places(&beats_in(noisy));
    assert_eq!(beats.len(), peaks.len());
    assert!(beats.iter().zip(&peaks).all(|(&beat, &(peak, _))| beat.abs_diff(peak) <= 4), "{beats:?}");
}

#[test]
fn a_low_beat_is_found_by_the_search_back() {
    let mut peaks = r_peaks(200, 300, 60);
    peaks[30].1 = peaks[30].1 * 42 / 100;
    let beats = beats_in(synthetic(60, &peaks));
    assert_same(&places(&beats), &only_places(&peaks), "with one low beat");
    let searched: Vec<u64> =
        beats.iter().filter(|b| b.found == Found::SearchBack).map(|b| b.sample).collect();
    assert_eq!(searched, [peaks[30].0]);
}

#[test]
fn a_high_t_wave_is_no_beat_and_a_premature_beat_in_its_place_is() {
    let mut peaks = r_peaks(200, 300, 30);
    let mut samples = synthetic(30, &peaks);
    for (peak, _) in &peaks {
        for (at, sample) in samples.iter_mut().enumerate() {
            *sample += (27 - at.abs_diff(*peak as usize + 110) as i64).max(0) as u16 * 7;
        }
    }
    assert_same(&places(&beats_in(samples)), &only_places(&peaks), "high T waves");
    peaks.insert(16, (peaks[15].0 + 110, 240));
    assert_same(&places(&beats_in(synthetic(30, &peaks))), &only_places(&peaks), "a premature beat");
}

#[test]
fn an_artefact_does_not_deafen_the_detector_for_good() {
    let peaks = r_peaks(200, 300, 100);
    let mut samples = synthetic(84, &peaks);
    // Two seconds at both ends of the converter's range, ten times a second.
    for (at, sample) in samples.iter_mut().enumerate().skip(7_200).take(720) {
        *sample = if at / 18 % 2 == 0 { 0 } else { 2_047 };
    }
    let late = |beats: Vec<u64>| beats.into_iter().filter(|&at| at > 15_000).collect::<Vec<_>>();
    let (found, expected) = (late(places(&beats_in(samples))), late(only_places(&peaks)));
    assert_same(&found, &expected, "after the artefact");
}

#[test]
fn a_beat_just_before_the_end_is_found() {
    let peaks = r_peaks(200, 300, 30);
    for rest in [30, 60, 100, 250] {
        let mut samples = synthetic(60, &peaks);
        samples.truncate(peaks[29].0 as usize + rest);
        assert_same(&places(&beats_in(samples)), &only_places(&peaks), &format!("{rest} samples before"));
    }
}

#[test]
fn a_heart_that_stops_has_no_more_beats() {
    let peaks = r_peaks(200, 300, 30);
    assert_same(&places(&beats_in(synthetic(120, &peaks))), &only_places(&peaks), "then silence");
}

#[test]
fn a_flat_line_has_no_beats() {
    for level in [0, ZERO, u16::MAX] {
        assert_eq!(beats_in(std::iter::repeat_n(level, 20_000)), []);
    }
    assert_eq!(beats_in([]), []);
    assert_eq!(beats_in([ZERO]), []);
    assert!(Summary::new(RATE_HZ).to_string().starts_with("0 beats"));
}

#[test]
fn full_scale_noise_gives_beats_in_order_and_no_panic() {
    for rate_hz in [100, 250, RATE_HZ, 1_000, 2_000] {
        let mut noise = noise(u64::from(rate_hz));
        let mut detector = Detector::new(rate_hz);
        let mut beats = Vec::new();
        (0..60_000).for_each(|_| beats.extend(detector.push((noise(32_767) + 32_767) as u16)));
        (0..60_000).for_each(|at| beats.extend(detector.push(if at / 97 % 2 == 0 { 0 } else { u16::MAX })));
        beats.extend(detector.finish());
        let refractory = u64::from(rate_hz) / 5;
        let apart = beats.windows(2).all(|pair| pair[1].sample >= pair[0].sample + refractory);
        assert!(apart && !beats.is_empty(), "at {rate_hz} Hz");
        assert!(beats.iter().all(|beat| beat.sample < 120_000), "at {rate_hz} Hz");
    }
}

#[test]
fn the_beats_do_not_depend_on_how_the_samples_arrive() {
    let whole = beats_in(recorded());
    let samples = recorded();
    for seed in 1..4 {
        let (mut noise, mut rest) = (noise(seed), samples.as_slice());
        let (mut detector, mut beats) = (Detector::new(RATE_HZ), Vec::new());
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min((noise(500) + 501) as usize));
            // The detector goes to another thread for each part, as it may between processes.
            (detector, beats) = std::thread::scope(|scope| {
                let work = move || {
                    part.iter().for_each(|&sample| beats.extend(detector.push(sample)));
                    (detector, beats)
                };
                scope.spawn(work).join().expect("a part is worked through")
            });
            rest = after;
        }
        beats.extend(detector.finish());
        assert!(beats == whole, "differs with parts of seed {seed}");
    }
}

/// The signals at each sample, by filters that start anew for each block, as many samples earlier as `before`.
fn signals_by_blocks(samples: &[u16], block: usize, before: usize) -> Vec<Signals> {
    let blocks = samples.chunks(block).enumerate().map(|(number, samples_in)| {
        let (start, mut filters) = (number * block, Filters::new(RATE_HZ));
        // Before the first sample it is as if that had always been there.
        for earlier in (start as i64 - before as i64)..start as i64 {
            filters.push(samples[earlier.max(0) as usize]);
        }
        samples_in.iter().map(|&sample| filters.push(sample)).collect::<Vec<_>>()
    });
    blocks.collect::<Vec<_>>().concat()
}

/// Full-scale noise and steps: whatever a filter may forget shows.
fn harsh() -> Vec<u16> {
    let mut noise = noise(11);
    let noise = (0..20_000).map(|_| (noise(32_767) + 32_767) as u16).collect::<Vec<_>>();
    noise.into_iter().chain((0..20_000).map(|at| if at / 97 % 2 == 0 { 0 } else { u16::MAX })).collect()
}

#[test]
fn filters_that_start_as_far_back_as_they_reach_give_the_same_signals() {
    let reach = Filters::reach(RATE_HZ);
    for samples in [recorded(), harsh()] {
        let whole = signals_by_blocks(&samples, samples.len(), 0);
        for (block, before) in [(2_160, reach), (1_000, reach), (7, reach), (361, reach + 50)] {
            assert!(
                signals_by_blocks(&samples, block, before) == whole,
                "blocks of {block}, {before} earlier"
            );
        }
    }
    let samples = harsh();
    let whole = signals_by_blocks(&samples, samples.len(), 0);
    assert!(signals_by_blocks(&samples, 2_160, reach - 1) != whole, "the reach is one too long");
}

#[test]
fn beats_from_signals_that_were_worked_out_elsewhere_are_the_same() {
    for mut samples in [recorded(), harsh()] {
        let (mut detector, recorded) = (Detector::new(RATE_HZ), samples.len());
        let mut whole: Vec<Beat> = samples.iter().filter_map(|&sample| detector.push(sample)).collect();
        let digest = detector.digest();
        whole.extend(detector.finish());
        samples.extend(vec![samples[recorded - 1]; Finder::hold(RATE_HZ)]);
        let signals = signals_by_blocks(&samples, 2_160, Filters::reach(RATE_HZ));
        let (mut finder, mut beats) = (Finder::new(RATE_HZ), Vec::new());
        let (first, held) = samples.split_at(recorded);
        beats.extend(
            first.iter().zip(&signals).filter_map(|(&sample, &signals)| finder.push(sample, signals)),
        );
        assert_eq!(finder.digest(), digest);
        held.iter().zip(&signals[recorded..]).for_each(|(&sample, &signals)| finder.hold_on(sample, signals));
        beats.extend(finder.finish());
        assert!(beats == whole);
    }
}

#[test]
fn a_lost_doubled_or_swapped_stretch_changes_the_result() {
    let samples = recorded();
    let whole = places(&beats_in(samples.iter().copied()));
    let lost = samples.iter().copied().enumerate().filter(|&(at, _)| at != 54_000).map(|(_, sample)| sample);
    assert!(places(&beats_in(lost)) != whole);
    let doubled = samples[..54_000].iter().chain(&samples[53_999..]).copied();
    assert!(places(&beats_in(doubled)) != whole);
    let mut swapped = samples.clone();
    swapped[54_000..54_720].rotate_left(360);
    assert!(places(&beats_in(swapped)) != whole);
}

#[test]
fn the_recording_repeated_keeps_its_beats_away_from_the_seam() {
    let once = recording::reference_beats();
    let twice = places(&beats_in(recorded().into_iter().chain(recorded())));
    let (first, second): (Vec<u64>, Vec<u64>) = twice.iter().partition(|&&beat| beat < 108_000);
    assert_same(&first, &once, "first time");
    let second: Vec<u64> = second.iter().map(|beat| beat - 108_000).collect();
    // The second time the detector has learnt already: some seconds may pass until it agrees.
    let settled = |beats: &[u64]| beats.iter().copied().filter(|&beat| beat > 10 * 360).collect::<Vec<_>>();
    assert_same(&settled(&second), &settled(&once), "second time");
}
