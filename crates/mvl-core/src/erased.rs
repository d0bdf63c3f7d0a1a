//! Boxed backbones and heads that are burn modules: they train, save and load like any other.
//!
//! `Module` has generic methods and so cannot be a trait object. [`ErasedModule`] can: its visitors and mappers take
//! `(rank, &dyn Any)` and dispatch back to `Param<Tensor<1>>` … `Param<Tensor<8>>`. [`Boxed`] puts such a box together with a
//! table of the functions that the trait in question adds, and implements `Module` once for all of them.

use std::any::Any;
use std::fmt;

use burn::module::{
    Content, Devices, Flag, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param,
};
use burn::tensor::{Bool, Device, Int, Tensor};

use crate::{Backbone, Features, Head, InputSides, Tap, TapSet};

/// A backbone whose type was chosen at run time.
pub type BoxedBackbone = Boxed<BackboneTable>;

/// A head whose type was chosen at run time, with answer `O`.
pub type BoxedHead<O> = Boxed<HeadTable<O>>;

/// A module behind a box, and the functions `T` it offers beside those of `Module`.
pub struct Boxed<T> {
    module: Box<dyn ErasedModule>,
    table: T,
}

/// The functions of [`Backbone`], for a boxed one.
#[derive(Clone, Copy)]
pub struct BackboneTable {
    taps: fn(&dyn Any) -> &[Tap],
    sides: fn(&dyn Any) -> InputSides,
    forward: fn(&dyn Any, Tensor<4>, TapSet) -> Features,
}

/// The functions of [`Head`], for a boxed one.
pub struct HeadTable<O> {
    reads: fn(&dyn Any) -> TapSet,
    forward: fn(&dyn Any, Features) -> O,
}

impl<O> Clone for HeadTable<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for HeadTable<O> {}

const SAME_TYPE: &str = "the table was made for the type in the box";

impl BoxedBackbone {
    /// Boxes a backbone.
    pub fn new<B: Backbone>(backbone: B) -> Self {
        let table = BackboneTable {
            taps: |module| module.downcast_ref::<B>().expect(SAME_TYPE).taps(),
            sides: |module| module.downcast_ref::<B>().expect(SAME_TYPE).sides(),
            forward: |module, images, keep| module.downcast_ref::<B>().expect(SAME_TYPE).forward(images, keep),
        };
        Self { module: Box::new(backbone), table }
    }
}

impl Backbone for BoxedBackbone {
    fn taps(&self) -> &[Tap] {
        (self.table.taps)(self.module.as_any())
    }

    fn sides(&self) -> InputSides {
        (self.table.sides)(self.module.as_any())
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        (self.table.forward)(self.module.as_any(), images, keep)
    }
}

impl<O: 'static> BoxedHead<O> {
    /// Boxes a head.
    pub fn new<H: Head<Output = O>>(head: H) -> Self {
        let table = HeadTable {
            reads: |module| module.downcast_ref::<H>().expect(SAME_TYPE).reads(),
            forward: |module, features| module.downcast_ref::<H>().expect(SAME_TYPE).forward(features),
        };
        Self { module: Box::new(head), table }
    }
}

impl<O: 'static> Head for BoxedHead<O> {
    type Output = O;

    fn reads(&self) -> TapSet {
        (self.table.reads)(self.module.as_any())
    }

    fn forward(&self, features: Features) -> O {
        (self.table.forward)(self.module.as_any(), features)
    }
}

impl<T> Boxed<T> {
    /// The module inside, if it is an `M`.
    pub fn downcast_ref<M: Module + 'static>(&self) -> Option<&M> {
        self.module.as_any().downcast_ref()
    }

    fn replace(self, change: impl FnOnce(Box<dyn ErasedModule>) -> Box<dyn ErasedModule>) -> Self {
        Self { module: change(self.module), table: self.table }
    }
}

impl<T: Copy + Send> Module for Boxed<T> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.module.erased_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.replace(|module| module.erased_fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.replace(|module| module.erased_to_device(device))
    }

    fn train(self) -> Self {
        self.replace(|module| module.erased_train())
    }

    fn valid(&self) -> Self {
        Self { module: self.module.erased_valid(), table: self.table }
    }

    fn materialize(self) -> Self {
        self.replace(|module| module.erased_materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.module.erased_visit(&mut Dispatch(visitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.replace(|module| module.erased_map(&mut Dispatch(mapper)))
    }
}

impl<T: Copy> Clone for Boxed<T> {
    fn clone(&self) -> Self {
        Self { module: self.module.erased_clone(), table: self.table }
    }
}

impl<T> fmt::Debug for Boxed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.module.fmt(f)
    }
}

impl<T> fmt::Display for Boxed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.module.fmt(f)
    }
}

impl<T: Copy + Send> ModuleDisplayDefault for Boxed<T> {
    fn content(&self, content: Content) -> Option<Content> {
        content.add_formatted(&format!("{:?}", self.module)).optional()
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl<T: Copy + Send> ModuleDisplay for Boxed<T> {}

impl fmt::Debug for BackboneTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackboneTable")
    }
}

impl<O> fmt::Debug for HeadTable<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeadTable")
    }
}

/// The object-safe half of `Module`, implemented for every module.
trait ErasedModule: Send + fmt::Debug {
    fn as_any(&self) -> &dyn Any;
    fn erased_clone(&self) -> Box<dyn ErasedModule>;
    fn erased_devices(&self, devices: Devices) -> Devices;
    fn erased_fork(self: Box<Self>, device: &Device) -> Box<dyn ErasedModule>;
    fn erased_to_device(self: Box<Self>, device: &Device) -> Box<dyn ErasedModule>;
    fn erased_train(self: Box<Self>) -> Box<dyn ErasedModule>;
    fn erased_valid(&self) -> Box<dyn ErasedModule>;
    fn erased_materialize(self: Box<Self>) -> Box<dyn ErasedModule>;
    fn erased_visit(&self, visitor: &mut dyn ErasedVisitor);
    fn erased_map(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<dyn ErasedModule>;
}

impl<M: Module + 'static> ErasedModule for M {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn erased_clone(&self) -> Box<dyn ErasedModule> {
        Box::new(self.clone())
    }
    fn erased_devices(&self, devices: Devices) -> Devices {
        self.collect_devices(devices)
    }
    fn erased_fork(self: Box<Self>, device: &Device) -> Box<dyn ErasedModule> {
        Box::new((*self).fork(device))
    }
    fn erased_to_device(self: Box<Self>, device: &Device) -> Box<dyn ErasedModule> {
        Box::new((*self).to_device(device))
    }
    fn erased_train(self: Box<Self>) -> Box<dyn ErasedModule> {
        Box::new((*self).train())
    }
    fn erased_valid(&self) -> Box<dyn ErasedModule> {
        Box::new(self.valid())
    }
    fn erased_materialize(self: Box<Self>) -> Box<dyn ErasedModule> {
        Box::new((*self).materialize())
    }
    fn erased_visit(&self, visitor: &mut dyn ErasedVisitor) {
        self.visit(&mut Erase(visitor));
    }
    fn erased_map(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<dyn ErasedModule> {
        Box::new((*self).map(&mut Erase(mapper)))
    }
}

/// What a parameter holds, for the dispatch back to its type.
#[derive(Clone, Copy)]
enum Kind {
    Float,
    Int,
    Bool,
}

/// A visitor without generics. `param` is a `Param<Tensor<rank, kind>>`.
trait ErasedVisitor {
    fn tensor(&mut self, kind: Kind, rank: usize, param: &dyn Any);
    fn flag(&mut self, flag: &Param<Flag>);
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
}

/// A mapper without generics. `param` is a `Param<Tensor<rank, kind>>`, and so is the answer.
trait ErasedMapper {
    fn tensor(&mut self, kind: Kind, rank: usize, param: Box<dyn Any>) -> Box<dyn Any>;
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag>;
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
}

/// Generic calls in, erased calls out.
struct Erase<'a, T: ?Sized>(&'a mut T);

impl ModuleVisitor for Erase<'_, dyn ErasedVisitor + '_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.tensor(Kind::Float, D, param);
    }
    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.tensor(Kind::Int, D, param);
    }
    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.tensor(Kind::Bool, D, param);
    }
    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.flag(flag);
    }
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }
    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
}

/// What comes back from an erased map call is what went in.
const SAME_PARAM: &str = "a mapper returns the type it was given";

impl ModuleMapper for Erase<'_, dyn ErasedMapper + '_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        *self.0.tensor(Kind::Float, D, Box::new(param)).downcast().expect(SAME_PARAM)
    }
    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        *self.0.tensor(Kind::Int, D, Box::new(param)).downcast().expect(SAME_PARAM)
    }
    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        *self.0.tensor(Kind::Bool, D, Box::new(param)).downcast().expect(SAME_PARAM)
    }
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.flag(flag)
    }
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }
    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
}

/// Erased calls in, generic calls out.
struct Dispatch<'a, T>(&'a mut T);

/// Calls `$call` with the rank as a constant.
macro_rules! with_rank {
    ($rank:expr, $call:ident!($($arg:tt)*)) => {
        match $rank {
            1 => $call!(1, $($arg)*),
            2 => $call!(2, $($arg)*),
            3 => $call!(3, $($arg)*),
            4 => $call!(4, $($arg)*),
            5 => $call!(5, $($arg)*),
            6 => $call!(6, $($arg)*),
            7 => $call!(7, $($arg)*),
            8 => $call!(8, $($arg)*),
            rank => panic!("a parameter of rank {rank}: burn modules have ranks 1 to 8"),
        }
    };
}

const DECLARED: &str = "kind and rank describe the parameter";

macro_rules! visit_ranked {
    ($rank:literal, $visitor:expr, $method:ident, $kind:ty, $param:expr) => {
        $visitor.$method::<$rank>($param.downcast_ref::<Param<Tensor<$rank, $kind>>>().expect(DECLARED))
    };
}

macro_rules! map_ranked {
    ($rank:literal, $mapper:expr, $method:ident, $kind:ty, $param:expr) => {
        Box::new($mapper.$method::<$rank>(*$param.downcast::<Param<Tensor<$rank, $kind>>>().expect(DECLARED)))
    };
}

impl<V: ModuleVisitor> ErasedVisitor for Dispatch<'_, V> {
    fn tensor(&mut self, kind: Kind, rank: usize, param: &dyn Any) {
        match kind {
            Kind::Float => with_rank!(rank, visit_ranked!(self.0, visit_float, burn::tensor::Float, param)),
            Kind::Int => with_rank!(rank, visit_ranked!(self.0, visit_int, Int, param)),
            Kind::Bool => with_rank!(rank, visit_ranked!(self.0, visit_bool, Bool, param)),
        }
    }
    fn flag(&mut self, flag: &Param<Flag>) {
        self.0.visit_flag(flag);
    }
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }
    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
}

impl<M: ModuleMapper> ErasedMapper for Dispatch<'_, M> {
    fn tensor(&mut self, kind: Kind, rank: usize, param: Box<dyn Any>) -> Box<dyn Any> {
        match kind {
            Kind::Float => with_rank!(rank, map_ranked!(self.0, map_float, burn::tensor::Float, param)),
            Kind::Int => with_rank!(rank, map_ranked!(self.0, map_int, Int, param)),
            Kind::Bool => with_rank!(rank, map_ranked!(self.0, map_bool, Bool, param)),
        }
    }
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.map_flag(flag)
    }
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }
    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
}
