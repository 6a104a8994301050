//! A scenario as it is written: one type per piece of the format.

pub mod expect;
mod scenario;
pub mod step;
mod value;
pub mod vault;

pub use scenario::{Eso, EsoVersion, Matrix, Scenario};
pub use value::{Alphabet, Body, Generator, Value};
