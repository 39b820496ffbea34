//! Reads values of Arrow arrays as plain numbers and text, whatever type the writer chose.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use std::ops::Range;

/// The largest number of nested lists.
const DEPTH: usize = 4;

/// Numbers of one column.
#[derive(Debug)]
pub(super) enum Numbers {
    /// Integers; `i64::MIN` marks a missing value.
    Whole(Vec<i64>),
    /// Floating-point numbers; NaN marks a missing value.
    Real(Vec<f64>),
}

/// Nested lists: each list is a range of the next level, and those of the last level are ranges of the numbers.
#[derive(Debug)]
pub(super) struct Lists {
    pub levels: Vec<Vec<Range<usize>>>,
    pub numbers: Numbers,
}

/// Whether numbers of this type can be read.
pub(super) fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

/// The type of the innermost values and the number of lists around them.
pub(super) fn innermost(mut data_type: &DataType) -> (&DataType, usize) {
    let mut depth = 0;
    while let DataType::List(inner) | DataType::LargeList(inner) | DataType::FixedSizeList(inner, _) = data_type {
        data_type = inner.data_type();
        depth += 1;
    }
    (data_type, depth)
}

impl Numbers {
    pub(super) fn of(array: &dyn Array) -> Option<Self> {
        macro_rules! whole {
            ($kind:ty, $none:expr, $each:expr) => {
                Self::Whole(array.as_primitive::<$kind>().iter().map(|v| v.map_or($none, $each)).collect())
            };
        }
        macro_rules! real {
            ($kind:ty, $each:expr) => {
                Self::Real(array.as_primitive::<$kind>().iter().map(|v| v.map_or(f64::NAN, $each)).collect())
            };
        }
        Some(match array.data_type() {
            DataType::Int8 => whole!(Int8Type, i64::MIN, i64::from),
            DataType::Int16 => whole!(Int16Type, i64::MIN, i64::from),
            DataType::Int32 => whole!(Int32Type, i64::MIN, i64::from),
            DataType::Int64 => whole!(Int64Type, i64::MIN, |v| v),
            DataType::UInt8 => whole!(UInt8Type, i64::MIN, i64::from),
            DataType::UInt16 => whole!(UInt16Type, i64::MIN, i64::from),
            DataType::UInt32 => whole!(UInt32Type, i64::MIN, i64::from),
            DataType::UInt64 => whole!(UInt64Type, i64::MIN, |v| i64::try_from(v).unwrap_or(i64::MAX)),
            DataType::Float16 => real!(Float16Type, |v| f64::from(v.to_f32())),
            DataType::Float32 => real!(Float32Type, f64::from),
            DataType::Float64 => real!(Float64Type, |v| v),
            _ => return None,
        })
    }

    /// Integers of a range; missing ones become `none`.
    pub(super) fn whole(&self, at: Range<usize>, none: i64) -> Result<Vec<i64>, String> {
        let outside = || "its lists are damaged".to_owned();
        match self {
            Self::Whole(all) => {
                let found = all.get(at).ok_or_else(outside)?;
                Ok(found.iter().map(|&v| if v == i64::MIN { none } else { v }).collect())
            }
            Self::Real(all) => {
                let one = |&x: &f64| match x {
                    _ if x.is_nan() => Ok(none),
                    _ if x.fract() == 0.0 && x.abs() < 9e15 => Ok(x as i64),
                    _ => Err(format!("it holds {x} where whole numbers must be")),
                };
                all.get(at).ok_or_else(outside)?.iter().map(one).collect()
            }
        }
    }

    /// The numbers of a range as counts.
    pub(super) fn counts(&self, at: Range<usize>) -> Result<Vec<u64>, String> {
        let found: Vec<f64> = match self {
            Self::Whole(all) => all.get(at).map(|all| all.iter().map(|&v| v as f64).collect()),
            Self::Real(all) => all.get(at).map(<[f64]>::to_vec),
        }
        .ok_or("its lists are damaged")?;
        let count = |x: f64| match x {
            x if (0.0..1.8e19).contains(&x) => Ok(x.round() as u64),
            x if x.is_nan() || x < -9e18 => Err("a count is missing".to_owned()),
            x => Err(format!("a count is {x}, but must be a number from 0")),
        };
        found.into_iter().map(count).collect()
    }

    /// The numbers of a range as scores.
    pub(super) fn real(&self, at: Range<usize>) -> Result<Vec<f32>, String> {
        let outside = || "its lists are damaged".to_owned();
        match self {
            Self::Whole(all) => {
                let found = all.get(at).ok_or_else(outside)?;
                Ok(found.iter().map(|&v| if v == i64::MIN { f32::NAN } else { v as f32 }).collect())
            }
            Self::Real(all) => Ok(all.get(at).ok_or_else(outside)?.iter().map(|&x| x as f32).collect()),
        }
    }
}

impl Lists {
    pub(super) fn of(array: &ArrayRef) -> Option<Self> {
        let (mut levels, mut array) = (vec![], array.clone());
        loop {
            let (level, inner) = match array.data_type() {
                DataType::List(_) => {
                    let lists = array.as_list::<i32>();
                    let ends: Vec<usize> = lists.value_offsets().iter().map(|&end| end as usize).collect();
                    part(&array, &ends, lists.values())
                }
                DataType::LargeList(_) => {
                    let lists = array.as_list::<i64>();
                    let ends: Vec<usize> = lists.value_offsets().iter().map(|&end| end as usize).collect();
                    part(&array, &ends, lists.values())
                }
                DataType::FixedSizeList(_, size) => {
                    let (lists, size) = (array.as_fixed_size_list(), *size as usize);
                    let level = (0..lists.len()).map(|i| i * size..(i + 1) * size);
                    (valid(&array, level), lists.values().clone())
                }
                _ => return Some(Self { levels, numbers: Numbers::of(&array)? }),
            };
            if levels.len() >= DEPTH {
                return None;
            }
            levels.push(level);
            array = inner;
        }
    }
}

/// The lists with these ends, and the part of the values that they cover.
fn part(array: &ArrayRef, ends: &[usize], values: &ArrayRef) -> (Vec<Range<usize>>, ArrayRef) {
    let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else { return (vec![], values.slice(0, 0)) };
    let level = ends.windows(2).map(|w| w[0] - first..w[1] - first);
    (valid(array, level), values.slice(first, last - first))
}

/// Replaces missing lists by empty ones.
fn valid(array: &ArrayRef, level: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    level.enumerate().map(|(i, range)| if array.is_null(i) { 0..0 } else { range }).collect()
}

/// Text and numbers as JSON values, one per row; `None` for any other type.
pub(super) fn scalars(array: &dyn Array) -> Option<Vec<serde_json::Value>> {
    use serde_json::Value;
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().map(text).collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().map(text).collect(),
        DataType::Utf8View => array.as_string_view().iter().map(text).collect(),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = scalars(dictionary.values().as_ref())?;
            let keys = Numbers::of(dictionary.keys())?.whole(0..array.len(), -1).ok()?;
            let value = |key: i64| usize::try_from(key).ok().and_then(|key| values.get(key)).cloned();
            keys.into_iter().map(|key| value(key).unwrap_or(Value::Null)).collect()
        }
        _ => match Numbers::of(array)? {
            Numbers::Whole(all) => {
                all.into_iter().map(|v| if v == i64::MIN { Value::Null } else { Value::from(v) }).collect()
            }
            Numbers::Real(all) => all.into_iter().map(Value::from).collect(),
        },
    })
}
