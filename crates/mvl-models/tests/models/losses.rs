//! Losses give the values and gradients of PyTorch, torchvision, timm, segmentation_models_pytorch and the papers' formulas: the cases
//! of `scripts/make_loss_goldens.py` under their names. And what no reference says.

use std::cell::RefCell;
use std::collections::BTreeSet;

use burn::module::Param;
use burn::tensor::{Device, Int, Tensor, TensorData};
use mvl_models::losses::{
    ArcFaceConfig, Asymmetric, BinaryCrossEntropy, BoxIou, CrossEntropy, Distillation, Focal, Lovasz, Mining,
    SupervisedContrastive, Triplet, Tversky, distribution_focal,
};
use serde_json::Value;

use super::fixtures::{TOLERANCE, assert_equal, cpu, fixture_json, floats, inputs, largest_difference};

/// The cases of the file, of which each is to be asked for.
struct Goldens {
    cases: Value,
    seen: RefCell<BTreeSet<String>>,
    device: Device,
}

impl Goldens {
    fn new() -> Self {
        Self { cases: fixture_json("losses.json"), seen: RefCell::default(), device: cpu().autodiff() }
    }

    /// The loss of one input and its gradient are those of the case.
    fn check<const D: usize>(&self, name: &str, input: Tensor<D>, loss: impl FnOnce(Tensor<D>) -> Tensor<1>) {
        let input = input.require_grad();
        let loss = loss(input.clone());
        let gradient = input.grad(&loss.backward()).expect("a gradient");
        self.value(name, loss);
        assert_equal(name, gradient, &self.cases[name]["gradients"][0]);
    }

    fn value(&self, name: &str, loss: Tensor<1>) {
        let expected = self.cases[name]["loss"].as_f64().unwrap_or_else(|| panic!("no case {name}")) as f32;
        let difference = (loss.into_scalar::<f32>() - expected).abs() / expected.abs().max(1.0);
        assert!(difference < TOLERANCE, "{name}: off by {difference}");
        self.seen.borrow_mut().insert(name.to_owned());
    }
}

impl Drop for Goldens {
    fn drop(&mut self) {
        println!("{} cases", self.seen.borrow().len());
    }
}

fn matrix<const R: usize, const C: usize>(rows: [[f32; C]; R], device: &Device) -> Tensor<2> {
    Tensor::from_floats(rows, device)
}

fn classes(goldens: &Goldens) {
    let device = &goldens.device;
    let logits = || inputs("loss_logits", [5, 4], 8.0, device);
    let labels = || Tensor::<1, Int>::from_ints([2, 0, 3, 1, 2], device);
    let yes = || {
        let rows = [[1., 0., 1., 0.], [0., 0., 0., 0.], [1., 1., 1., 1.], [0., 1., 0., 0.], [0., 0., 0., 1.]];
        matrix(rows, device)
    };
    let shares = || {
        let rows =
            [[0.5, 0.25, 0.25, 0.], [1., 0., 0., 0.], [0., 0.75, 0., 0.25], [0., 0., 1., 0.], [0.25, 0.25, 0.25, 0.25]];
        matrix(rows, device)
    };
    let weights = vec![0.5, 2.0, 3.0, 0.25];
    let plain = CrossEntropy::new();
    let weighted = plain.clone().with_class_weights(weights.clone());
    for (name, loss) in [
        ("", plain.clone()),
        ("_smoothing", plain.clone().with_label_smoothing(0.1)),
        ("_weights", weighted.clone()),
        ("_weights_smoothing", weighted.clone().with_label_smoothing(0.2)),
        ("_ignored", plain.clone().with_ignored(2)),
        ("_all", weighted.clone().with_label_smoothing(0.1).with_ignored(2)),
    ] {
        goldens.check(&format!("cross_entropy{name}"), logits(), |x| loss.forward(x, labels()));
    }
    for (name, loss) in [("", plain.clone()), ("_timm", plain), ("_all", weighted.with_label_smoothing(0.1))] {
        goldens.check(&format!("cross_entropy_soft{name}"), logits(), |x| loss.forward_soft(x, shares()));
    }
    let plain = BinaryCrossEntropy::new();
    let weighted = plain.clone().with_positive_weights(weights);
    for (name, loss) in [
        ("", plain.clone()),
        ("_smoothing", plain.with_label_smoothing(0.2)),
        ("_weights", weighted.clone()),
        ("_weights_smoothing", weighted.with_label_smoothing(0.1)),
    ] {
        goldens.check(&format!("binary_cross_entropy{name}"), logits(), |x| loss.forward(x, shares()));
    }
    for (name, alpha, gamma) in [
        ("0.25_2.0", Some(0.25), 2.0),
        ("-1_2.0", None, 2.0),
        ("0.25_0.0", Some(0.25), 0.0),
        ("0.5_1.0", Some(0.5), 1.0),
        ("0.25_0.5", Some(0.25), 0.5),
        ("0.75_3.5", Some(0.75), 3.5),
    ] {
        let loss = Focal::new().with_alpha(alpha).with_gamma(gamma);
        goldens.check(&format!("focal_{name}"), logits(), |x| loss.forward(x, yes()));
    }
    let asymmetric = Asymmetric::new();
    for (name, loss) in [
        ("1_4_0.05_false", asymmetric),
        ("1_4_0.05_true", asymmetric.with_detached_focus()),
        ("0_2_0.0_false", asymmetric.with_gammas(0.0, 2.0).with_clip(0.0)),
        ("2_3_0.2_false", asymmetric.with_gammas(2.0, 3.0).with_clip(0.2)),
    ] {
        goldens.check(&format!("asymmetric_{name}"), logits(), |x| loss.forward(x, yes()));
    }
    let teacher = || inputs("loss_teacher", [5, 4], 8.0, device);
    let distillation = Distillation::new();
    goldens.check("distillation_1.0", logits(), |x| distillation.with_temperature(1.0).forward(x, teacher()));
    goldens.check("distillation_4.0", logits(), |x| distillation.forward(x, teacher()));
    goldens.check("distillation_hard", logits(), |x| distillation.forward_hard(x, teacher()));
}

/// Two pictures of 3 by 5 pixels; the last of four classes is nowhere.
const MASK: [[[i64; 5]; 3]; 2] =
    [[[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [2, 0, 0, 0, 1]], [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [2, 2, 2, 2, 2]]];
const BORDER: usize = 255;

fn regions(goldens: &Goldens) {
    let device = &goldens.device;
    let maps = || inputs("loss_maps", [2, 4, 3, 5], 6.0, device);
    let mask = || Tensor::<3, Int>::from_ints(MASK, device);
    let bordered = || {
        let pixels = MASK.concat().concat().into_iter().enumerate();
        let pixels = pixels.map(|(index, class)| if index % 7 == 3 { BORDER as i64 } else { class });
        Tensor::<3, Int>::from_data(TensorData::new(pixels.collect::<Vec<_>>(), [2, 3, 5]), device)
    };
    let masks = || {
        // what shows class 0 shows class 1 too
        let shows = |class: i64| if class == 1 { mask().lower_equal_scalar(1) } else { mask().equal_scalar(class) };
        Tensor::stack::<4>((0..4).map(|class| shows(class).float()).collect(), 1)
    };
    let weighted = CrossEntropy::new().with_class_weights(vec![0.5, 2.0, 3.0, 0.25]).with_ignored(BORDER);
    goldens.check("cross_entropy_pixels", maps(), |x| weighted.forward_pixels(x, bordered()));
    let tversky = Tversky::new(0.3, 0.7);
    for (name, loss) in [
        ("dice", Tversky::dice()),
        ("dice_smooth", Tversky::dice().with_smooth(2.0)),
        ("jaccard", Tversky::jaccard()),
        ("tversky", tversky.with_smooth(1.0)),
        ("focal_tversky", tversky.with_gamma(0.75)),
    ] {
        goldens.check(&format!("{name}_multiclass"), maps(), |x| loss.forward(x, mask()));
        goldens.check(&format!("{name}_multilabel"), maps(), |x| loss.forward_multi_label(x, masks()));
    }
    goldens.check("dice_ignored", maps(), |x| Tversky::dice().with_ignored(BORDER).forward(x, bordered()));
    goldens.check("lovasz", maps(), |x| Lovasz::new().forward(x, mask()));
    goldens.check("lovasz_ignored", maps(), |x| Lovasz::new().with_ignored(BORDER).forward(x, bordered()));
    let shown = |maps: Tensor<4>| maps.narrow(1, 0, 3);
    goldens.check("lovasz_hinge", shown(maps()), |x| Lovasz::new().forward_multi_label(x, shown(masks())));
}

fn boxes(goldens: &Goldens) {
    let device = &goldens.device;
    let truth = [[0., 0., 10., 10.], [5., 2., 25., 12.], [30., 30., 34., 50.], [1., 1., 2., 2.], [0., 0., 8., 4.]];
    let moved = [[1., 2., 9., 14.], [6., 1., 20., 12.5], [10., 5., 15., 9.], [0.5, 0.25, 4., 3.], [0.5, 1., 6., 3.]];
    for (name, loss) in
        [("iou", BoxIou::Iou), ("giou", BoxIou::Generalized), ("diou", BoxIou::Distance), ("ciou", BoxIou::Complete)]
    {
        goldens.check(name, matrix(moved, device), |x| loss.forward(x, matrix(truth, device)));
    }
    let lengths = Tensor::from_floats([0.0, 1.25, 2.5, 3.0, 5.75], device);
    goldens.check("distribution_focal", inputs("loss_bins", [5, 7], 8.0, device), |x| distribution_focal(x, lengths));
}

fn embeddings(goldens: &Goldens) {
    let device = &goldens.device;
    let points = || inputs("loss_points", [7, 3], 2.0, device);
    let labels = || Tensor::<1, Int>::from_ints([0, 1, 0, 2, 1, 1, 3], device);
    for temperature in [0.07, 0.5] {
        let loss = SupervisedContrastive::new().with_temperature(temperature);
        goldens.check(&format!("supervised_contrastive_{temperature}"), points(), |x| loss.forward(x, labels()));
    }
    for (name, mining) in [("hard", Mining::Hard), ("semi_hard", Mining::SemiHard), ("all", Mining::All)] {
        let triplet = Triplet::new(mining);
        for (margin, loss) in [("0.2", triplet), ("1", triplet.with_margin(1.0)), ("soft", triplet.with_soft_margin())]
        {
            goldens.check(&format!("triplet_{name}_{margin}"), points(), |x| loss.forward(x, labels()));
        }
    }
    for (scale, margin) in [(64.0, 0.5), (16.0, 0.2), (4.0, 2.5)] {
        let name = format!("arc_face_{margin}");
        let mut arc_face = ArcFaceConfig::new(5, 4).with_scale(scale).with_margin(margin).init(device);
        arc_face.weight = Param::from_tensor(inputs("arc_weight", [4, 5], 4.0, device));
        let embeddings = inputs("arc_embeddings", [4, 5], 4.0, device).require_grad();
        let labels = Tensor::<1, Int>::from_ints([0, 3, 1, 2], device);
        let loss = CrossEntropy::new().forward(arc_face.forward(embeddings.clone(), labels.clone()), labels);
        let gradients = loss.backward();
        goldens.value(&name, loss);
        for (input, expected) in [embeddings, arc_face.weight.val()].iter().zip(0..) {
            let gradient = input.grad(&gradients).expect("a gradient");
            assert_equal(&name, gradient, &goldens.cases[&name]["gradients"][expected]);
        }
    }
}

#[test]
fn every_loss_equals_its_reference_with_its_gradient() {
    let goldens = Goldens::new();
    for check in [classes, regions, boxes, embeddings] {
        check(&goldens);
    }
    let all: BTreeSet<String> = goldens.cases.as_object().expect("cases").keys().cloned().collect();
    assert_eq!(*goldens.seen.borrow(), all);
}

/// The loss and its gradient, all finite.
fn finite<const D: usize>(what: &str, input: Tensor<D>, loss: impl FnOnce(Tensor<D>) -> Tensor<1>) -> (f32, Vec<f32>) {
    let input = input.require_grad();
    let loss = loss(input.clone());
    let gradient = floats(input.grad(&loss.backward()).expect("a gradient"));
    let loss = loss.into_scalar::<f32>();
    assert!(loss.is_finite() && gradient.iter().all(|value| value.is_finite()), "{what}: {loss} {gradient:?}");
    (loss, gradient)
}

#[test]
fn losses_are_finite_at_large_logits() {
    let device = cpu().autodiff();
    let logits = || matrix([[1e4, -1e4, 0.0]], &device);
    let wrong = || matrix([[0.0, 1.0, 1.0]], &device);
    let (loss, gradient) = finite("binary", logits(), |x| BinaryCrossEntropy::new().forward(x, wrong()));
    assert!((loss * 3.0 - 2e4 - 2f32.ln()).abs() < 0.01);
    assert!(largest_difference(&gradient, &[1.0 / 3.0, -1.0 / 3.0, -1.0 / 6.0]) < TOLERANCE, "{gradient:?}");
    for gamma in [0.0, 0.5, 1.0, 2.0, 3.5] {
        finite("focal", logits(), |x| Focal::new().with_gamma(gamma).forward(x, wrong()));
        finite("focal", logits(), |x| Focal::new().with_gamma(gamma).forward(x, wrong().neg() + 1.0));
    }
    for gammas in [(0.5, 0.5), (1.0, 4.0)] {
        let loss = Asymmetric::new().with_gammas(gammas.0, gammas.1);
        finite("asymmetric", logits(), |x| loss.forward(x, wrong()));
        finite("asymmetric", logits(), |x| loss.forward(x, wrong().neg() + 1.0));
    }
    for smoothing in [0.0, 0.1] {
        // one sample is right (loss 0, or 0.05 · 2e4), one is wrong (loss 2e4, or 0.95 · 2e4)
        let loss = CrossEntropy::new().with_label_smoothing(smoothing);
        let labels = Tensor::<1, Int>::from_ints([0, 1], &device);
        let (loss, _) =
            finite("cross entropy", matrix([[1e4, -1e4], [1e4, -1e4]], &device), |x| loss.forward(x, labels));
        assert!((loss - 1e4).abs() < 1.0, "{loss}");
    }
    finite("distillation", logits(), |x| Distillation::new().forward(x, matrix([[-1e4, 1e4, 0.0]], &device)));
}

#[test]
fn where_nothing_counts_the_loss_is_zero() {
    let device = cpu().autodiff();
    let zero = |what: &str, (loss, gradient): (f32, Vec<f32>)| {
        assert!(loss == 0.0 && gradient.iter().all(|&value| value == 0.0), "{what}: {loss} {gradient:?}");
    };
    let maps = || inputs("loss_maps", [2, 4, 3, 5], 6.0, &device);
    let border = || Tensor::<3, Int>::full([2, 3, 5], BORDER as i64, &device);
    zero("cross entropy", finite("", maps(), |x| CrossEntropy::new().with_ignored(BORDER).forward_pixels(x, border())));
    zero("dice", finite("", maps(), |x| Tversky::dice().with_ignored(BORDER).forward(x, border())));
    zero("lovasz", finite("", maps(), |x| Lovasz::new().with_ignored(BORDER).forward(x, border())));
    let points = || inputs("loss_points", [3, 2], 2.0, &device);
    for mining in [Mining::Hard, Mining::SemiHard, Mining::All] {
        for labels in [[0, 0, 0], [0, 1, 2]] {
            let labels = Tensor::<1, Int>::from_ints(labels, &device);
            zero("triplet", finite("", points(), |x| Triplet::new(mining).forward(x, labels)));
        }
    }
    let each_its_own = Tensor::<1, Int>::from_ints([0, 1, 2], &device);
    zero("contrastive", finite("", points(), |x| SupervisedContrastive::new().forward(x, each_its_own)));
    let none = BoxIou::Complete.forward(Tensor::zeros([0, 4], &cpu()), Tensor::zeros([0, 4], &cpu()));
    assert_eq!(none.into_scalar::<f32>(), 0.0);
}

#[test]
fn equal_points_have_a_gradient() {
    let device = cpu().autodiff();
    let points = || matrix([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [0.0, 0.0]], &device);
    let labels = || Tensor::<1, Int>::from_ints([0, 0, 1, 1], &device);
    for mining in [Mining::Hard, Mining::SemiHard, Mining::All] {
        finite("triplet", points(), |x| Triplet::new(mining).forward(x, labels()));
    }
    finite("contrastive", points(), |x| SupervisedContrastive::new().forward(x, labels()));
    let mut arc_face = ArcFaceConfig::new(2, 2).init(&device);
    arc_face.weight = Param::from_tensor(matrix([[1.0, 0.0], [0.0, 1.0]], &device));
    let labels = Tensor::<1, Int>::from_ints([0, 1, 0], &device);
    finite("arc face", matrix([[3.0, 0.0], [0.0, -2.0], [0.0, 0.0]], &device), |x| {
        CrossEntropy::new().forward(arc_face.forward(x, labels.clone()), labels)
    });
}

#[test]
fn boxes_that_do_not_touch_are_pulled_together() {
    let device = cpu().autodiff();
    let (here, there) = ([[0.0, 0.0, 1.0, 1.0]], [[5.0, 0.0, 6.0, 1.0]]);
    for (loss, pulled) in [(BoxIou::Iou, false), (BoxIou::Generalized, true), (BoxIou::Distance, true)] {
        let (_, gradient) = finite("box", matrix(here, &device), |x| loss.forward(x, matrix(there, &device)));
        assert_eq!(gradient[2] < 0.0, pulled, "{loss:?}: {gradient:?}"); // its right side goes to the right
    }
}

#[test]
fn soft_targets_of_one_class_are_hard_ones() {
    let logits = matrix([[0.3, -1.0, 2.0], [1.0, 0.5, 0.0]], &cpu());
    let loss = CrossEntropy::new().with_label_smoothing(0.1);
    let hard = loss.forward(logits.clone(), Tensor::<1, Int>::from_ints([2, 0], &cpu())).into_scalar::<f32>();
    let soft = loss.forward_soft(logits, matrix([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], &cpu())).into_scalar::<f32>();
    assert!((hard - soft).abs() < TOLERANCE, "{hard} {soft}");
}

#[test]
fn lengths_beyond_the_bins_are_the_nearest() {
    let logits = || inputs("loss_bins", [2, 7], 8.0, &cpu());
    let beyond = distribution_focal(logits(), Tensor::from_floats([-1.0, 9.0], &cpu())).into_scalar::<f32>();
    let within = distribution_focal(logits(), Tensor::from_floats([0.0, 6.0], &cpu())).into_scalar::<f32>();
    assert_eq!(beyond, within);
}

#[test]
#[should_panic(expected = "label_smoothing: expected 0 to below 1, got 1")]
fn all_smoothing_is_refused() {
    let _ = CrossEntropy::new().with_label_smoothing(1.0);
}
