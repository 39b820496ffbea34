//! Reads the pickles in which PyTorch saves tensors. It builds values and never runs code: any name outside the short list [`Name`] is
//! refused.

use crate::rows::Number;
use std::collections::HashMap;
use std::rc::Rc;

/// The largest number of operations of a pickle.
const OPERATIONS: usize = 4 << 20;
/// The largest number of values that a pickle may memoise.
const MEMO: usize = 1 << 20;
/// The largest number of items that calls such as `list(…)` may copy.
const COPIES: usize = 1 << 20;
/// The longest text, in bytes.
const TEXT: usize = 1 << 20;
/// The most axes of a tensor.
const AXES: usize = 8;

/// A value of a pickle. Tuples, lists and dictionaries are stored in the [`Pickle`], because they may be used in several places and be
/// deeply nested.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Name(Name),
    Storage(Rc<Storage>),
    Tensor(Rc<View>),
}

/// The numbers of one or several tensors.
#[derive(Debug)]
pub(super) struct Storage {
    /// The number format; `None` if the tensor states it.
    number: Option<Number>,
    /// The name of its file in the archive.
    pub key: Rc<str>,
}

/// A tensor: a view of a storage.
#[derive(Debug)]
pub(super) struct View {
    pub storage: Rc<Storage>,
    pub number: Number,
    /// The offset in numbers, not in bytes.
    pub offset: u64,
    pub shape: Vec<usize>,
    pub strides: Vec<u64>,
}

/// The names that a pickle may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The class of a storage, or a number format.
    Of(Number),
    /// The class of a storage without a number format.
    Untyped,
    /// A function that makes a tensor; the flag says whether its last argument is the number format.
    Rebuild(bool),
    Parameter,
    /// A dictionary class; the flag says whether its first argument is the default for missing entries.
    Dict(bool),
    List,
    Tuple,
    /// A type that appears as an argument and has no effect.
    Inert,
}

/// A pickle that has been read.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    /// The items of lists and of tuples.
    pub lists: Vec<Vec<Value>>,
    pub dicts: Vec<Vec<(Value, Value)>>,
}

impl Name {
    fn of(module: &str, name: &str) -> Result<Self, String> {
        use Number::{BF16, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        Ok(match (module, name) {
            ("torch", "FloatStorage" | "float32") => Self::Of(F32),
            ("torch", "DoubleStorage" | "float64") => Self::Of(F64),
            ("torch", "HalfStorage" | "float16") => Self::Of(F16),
            ("torch", "BFloat16Storage" | "bfloat16") => Self::Of(BF16),
            ("torch", "LongStorage" | "int64") => Self::Of(I64),
            ("torch", "IntStorage" | "int32") => Self::Of(I32),
            ("torch", "ShortStorage" | "int16") => Self::Of(I16),
            ("torch", "CharStorage" | "int8") => Self::Of(I8),
            ("torch", "ByteStorage" | "uint8" | "BoolStorage" | "bool") => Self::Of(U8),
            ("torch", "uint16") => Self::Of(U16),
            ("torch", "uint32") => Self::Of(U32),
            ("torch", "uint64") => Self::Of(U64),
            ("torch" | "torch.storage", "UntypedStorage") => Self::Untyped,
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Self::Rebuild(false),
            ("torch._utils", "_rebuild_tensor_v3") => Self::Rebuild(true),
            ("torch._utils", "_rebuild_parameter") => Self::Parameter,
            ("collections", "OrderedDict") | ("builtins" | "__builtin__", "dict") => Self::Dict(false),
            ("collections", "defaultdict") => Self::Dict(true),
            ("builtins" | "__builtin__", "list" | "set" | "frozenset") | ("collections", "deque") => Self::List,
            ("builtins" | "__builtin__", "tuple") | ("torch", "Size") => Self::Tuple,
            ("builtins" | "__builtin__", "int" | "float" | "str" | "bool") => Self::Inert,
            _ => {
                let shown: String = format!("{module}.{name}").chars().take(120).collect();
                return Err(format!(
                    "its pickle names {shown}, which is not run; Moebias reads tensors, lists, dictionaries, texts and numbers only"
                ));
            }
        })
    }
}

/// Reads a pickle and returns its value.
pub(super) fn read(bytes: &[u8]) -> Result<(Value, Pickle), String> {
    let mut machine = Machine { rest: bytes, ..Machine::default() };
    for _ in 0..OPERATIONS {
        if let Some(value) = machine.step()? {
            return Ok((value, machine.made));
        }
    }
    Err(format!("its pickle has more than {OPERATIONS} operations"))
}

/// The machine that executes a pickle: a stack of values, with marks in it.
#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    made: Pickle,
    copied: usize,
}

impl<'a> Machine<'a> {
    /// Executes one operation; returns the value at the end.
    fn step(&mut self) -> Result<Option<Value>, String> {
        let operation = self.bytes(1)?.first().copied().unwrap_or(0);
        match operation {
            b'.' => return self.pop().map(Some),
            // Protocol and frames.
            0x80 => drop(self.bytes(1)?),
            0x95 => drop(self.bytes(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => self.push(self.top()?.clone()),
            b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | 0x8a | 0x8b | b'G' | b'I' | b'L' | b'F' => {
                let value = self.number(operation)?;
                self.push(value);
            }
            b'S' | b'T' | b'U' | b'V' | b'X' | 0x8c | 0x8d | b'B' | b'C' | 0x8e => {
                let text = self.text(operation)?;
                self.push(Value::Text(text));
            }
            b']' | b'a' | b'e' | b'l' | b')' | b't' | 0x85..=0x87 | 0x8f..=0x91 => self.list(operation)?,
            b'}' | b'd' | b's' | b'u' => self.dict(operation)?,
            b'g' | b'h' | b'j' | b'p' | b'q' | b'r' | 0x94 => self.remember(operation)?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Name(Name::of(&module, &name)?));
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => self.push(Value::Name(Name::of(&module, &name)?)),
                _ => return Err(damaged()),
            },
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(&id)?;
                self.push(Value::Storage(storage));
            }
            b'R' | 0x81 => {
                let (arguments, name) = (self.pop()?, self.pop()?);
                let value = self.call(&name, &arguments)?;
                self.push(value);
            }
            // The state of an ordered dictionary, such as the versions of a module, is ignored.
            b'b' => match (self.pop()?, self.top()?) {
                (_, Value::Dict(_)) => {}
                _ => return Err("its pickle gives a state to something that is no dictionary".into()),
            },
            other => return Err(format!("its pickle has the operation {other:#04x}, which tensors do not need")),
        }
        Ok(None)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("its pickle ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    /// An unsigned number of `bytes` bytes, which is a length or an index.
    fn size(&mut self, bytes: usize) -> Result<u64, String> {
        let mut number = [0; 8];
        number.iter_mut().zip(self.bytes(bytes)?).for_each(|(to, from)| *to = *from);
        Ok(u64::from_le_bytes(number))
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self.rest.iter().take(TEXT).position(|&b| b == b'\n').ok_or_else(damaged)?;
        let line = self.bytes(end + 1)?;
        Ok(String::from_utf8_lossy(line).trim_end().to_owned())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Result<Value, String> {
        // Values below a mark may not be popped.
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(damaged());
        }
        self.stack.pop().ok_or_else(damaged)
    }

    fn top(&self) -> Result<&Value, String> {
        self.stack.last().ok_or_else(damaged)
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len()).ok_or_else(damaged)?;
        Ok(self.stack.drain(mark..).collect())
    }

    fn number(&mut self, operation: u8) -> Result<Value, String> {
        let long = |bytes: &[u8]| -> Result<Value, String> {
            if bytes.len() > 8 {
                return Err("its pickle holds a number of more than 64 bits".into());
            }
            let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
            let mut number = [if negative { 0xff } else { 0 }; 8];
            number.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            Ok(Value::Int(i64::from_le_bytes(number)))
        };
        Ok(match operation {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => long(self.bytes(4)?)?,
            b'K' => Value::Int(self.size(1)? as i64),
            b'M' => Value::Int(self.size(2)? as i64),
            0x8a | 0x8b => {
                let length = self.size(if operation == 0x8a { 1 } else { 4 })?;
                long(self.bytes(length as usize)?)?
            }
            b'G' => Value::Float(f64::from_be_bytes(*self.bytes(8)?.first_chunk().ok_or_else(damaged)?)),
            b'F' => Value::Float(self.line()?.parse().map_err(|_e| damaged())?),
            _ => match self.line()?.trim_end_matches('L') {
                "01" => Value::Bool(true),
                "00" => Value::Bool(false),
                digits => Value::Int(digits.parse().map_err(|_e| damaged())?),
            },
        })
    }

    fn text(&mut self, operation: u8) -> Result<Rc<str>, String> {
        let length = match operation {
            b'S' => return Ok(self.line()?.trim_matches(['\'', '"']).into()),
            b'V' => return Ok(self.line()?.into()),
            b'U' | 0x8c | b'C' => self.size(1)?,
            b'T' | b'X' | b'B' => self.size(4)?,
            _ => self.size(8)?,
        };
        if length > TEXT as u64 {
            return Err(format!("its pickle holds a text of {length} bytes, but at most {TEXT} are read"));
        }
        Ok(String::from_utf8_lossy(self.bytes(length as usize)?).into())
    }

    /// Makes lists, tuples and sets; a set becomes a list.
    fn list(&mut self, operation: u8) -> Result<(), String> {
        let value = match operation {
            b']' | 0x8f => self.new_list(vec![]),
            b'l' | 0x91 => {
                let items = self.since_mark()?;
                self.new_list(items)
            }
            b')' => self.new_tuple(vec![]),
            b't' => {
                let items = self.since_mark()?;
                self.new_tuple(items)
            }
            0x85..=0x87 => {
                let length = usize::from(operation - 0x84);
                let mut items = Vec::with_capacity(length);
                for _ in 0..length {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.new_tuple(items)
            }
            _ => {
                let items = if operation == b'a' { vec![self.pop()?] } else { self.since_mark()? };
                let Value::List(at) = *self.top()? else { return Err(damaged()) };
                self.made.lists.get_mut(at).ok_or_else(damaged)?.extend(items);
                return Ok(());
            }
        };
        self.push(value);
        Ok(())
    }

    fn new_list(&mut self, items: Vec<Value>) -> Value {
        self.made.lists.push(items);
        Value::List(self.made.lists.len() - 1)
    }

    fn new_tuple(&mut self, items: Vec<Value>) -> Value {
        self.made.lists.push(items);
        Value::Tuple(self.made.lists.len() - 1)
    }

    fn dict(&mut self, operation: u8) -> Result<(), String> {
        if operation == b'}' {
            let value = self.new_dict(vec![]);
            self.push(value);
            return Ok(());
        }
        let mut items = match operation {
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![key, value]
            }
            _ => self.since_mark()?,
        }
        .into_iter();
        let mut entries = vec![];
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        if operation == b'd' {
            let value = self.new_dict(entries);
            self.push(value);
            return Ok(());
        }
        let Value::Dict(at) = *self.top()? else { return Err(damaged()) };
        self.made.dicts.get_mut(at).ok_or_else(damaged)?.extend(entries);
        Ok(())
    }

    fn new_dict(&mut self, entries: Vec<(Value, Value)>) -> Value {
        self.made.dicts.push(entries);
        Value::Dict(self.made.dicts.len() - 1)
    }

    /// Memoises the top of the stack, or pushes a memoised value.
    fn remember(&mut self, operation: u8) -> Result<(), String> {
        let key = match operation {
            b'h' | b'q' => self.size(1)?,
            b'j' | b'r' => self.size(4)?,
            0x94 => self.memo.len() as u64,
            _ => self.line()?.parse().map_err(|_e| damaged())?,
        };
        if matches!(operation, b'g' | b'h' | b'j') {
            let value = self.memo.get(&key).ok_or_else(damaged)?.clone();
            self.push(value);
        } else {
            if self.memo.len() >= MEMO {
                return Err(format!("its pickle remembers more than {MEMO} values"));
            }
            let value = self.top()?.clone();
            self.memo.insert(key, value);
        }
        Ok(())
    }

    /// The result of calling a known name.
    fn call(&mut self, name: &Value, arguments: &Value) -> Result<Value, String> {
        let (Value::Name(name), Value::Tuple(at)) = (name, arguments) else { return Err(damaged()) };
        let arguments = self.made.lists.get(*at).ok_or_else(damaged)?;
        let (first, second) = (arguments.first().cloned(), arguments.get(1).cloned());
        match (name, first) {
            (Name::Rebuild(typed), _) => self.tensor(arguments, *typed),
            (Name::Parameter, Some(tensor @ Value::Tensor(_))) => Ok(tensor),
            (Name::Dict(default), first) => match if *default { second } else { first } {
                None => Ok(self.new_dict(vec![])),
                Some(items) => self.dict_of(&items),
            },
            (Name::List, None) => Ok(self.new_list(vec![])),
            (Name::Tuple, None) => Ok(self.new_tuple(vec![])),
            (Name::List, Some(items)) => {
                let items = self.copy(&items)?;
                Ok(self.new_list(items))
            }
            (Name::Tuple, Some(items)) => {
                let items = self.copy(&items)?;
                Ok(self.new_tuple(items))
            }
            _ => Err(damaged()),
        }
    }

    fn tensor(&self, arguments: &[Value], typed: bool) -> Result<Value, String> {
        let [Value::Storage(storage), offset, shape, strides, rest @ ..] = arguments else { return Err(damaged()) };
        let number = match rest.last() {
            Some(Value::Name(Name::Of(number))) if typed => Some(*number),
            _ => storage.number,
        };
        let number = number.ok_or("it holds a tensor without a number format")?;
        let shape = self.naturals(shape)?.into_iter().map(|n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
        let view = View {
            storage: Rc::clone(storage),
            number,
            offset: natural(offset)?,
            shape,
            strides: self.naturals(strides)?,
        };
        if view.shape.len() == view.strides.len() { Ok(Value::Tensor(Rc::new(view))) } else { Err(damaged()) }
    }

    fn dict_of(&mut self, items: &Value) -> Result<Value, String> {
        let mut entries = vec![];
        if let Value::Dict(at) = items {
            entries.clone_from(self.made.dicts.get(*at).ok_or_else(damaged)?);
            self.count(entries.len())?;
        } else {
            for pair in self.copy(items)? {
                match self.items(&pair)? {
                    [key, value] => entries.push((key.clone(), value.clone())),
                    _ => return Err(damaged()),
                }
            }
        }
        Ok(self.new_dict(entries))
    }

    fn items(&self, value: &Value) -> Result<&[Value], String> {
        match value {
            Value::Tuple(at) | Value::List(at) => self.made.lists.get(*at).map(Vec::as_slice).ok_or_else(damaged),
            _ => Err(damaged()),
        }
    }

    fn copy(&mut self, value: &Value) -> Result<Vec<Value>, String> {
        let items = self.items(value)?.to_vec();
        self.count(items.len())?;
        Ok(items)
    }

    /// Counts copied items. A pickle may repeat calls, so the total is limited.
    fn count(&mut self, items: usize) -> Result<(), String> {
        self.copied = self.copied.saturating_add(items);
        if self.copied > COPIES { Err(format!("its pickle copies more than {COPIES} items")) } else { Ok(()) }
    }

    fn naturals(&self, value: &Value) -> Result<Vec<u64>, String> {
        let items = self.items(value)?;
        if items.len() > AXES {
            return Err(format!("it holds a tensor of {} axes, but at most {AXES} are read", items.len()));
        }
        items.iter().map(natural).collect()
    }

    /// Reads a storage: `('storage', class, key, device, length)`.
    fn storage(&self, id: &Value) -> Result<Rc<Storage>, String> {
        let (number, key) = match self.items(id)? {
            [_, Value::Name(Name::Of(number)), Value::Text(key), ..] => (Some(*number), key),
            [_, Value::Name(Name::Untyped), Value::Text(key), ..] => (None, key),
            _ => return Err(damaged()),
        };
        Ok(Rc::new(Storage { number, key: Rc::clone(key) }))
    }
}

fn natural(value: &Value) -> Result<u64, String> {
    match value {
        Value::Int(n) => u64::try_from(*n).map_err(|_e| damaged()),
        _ => Err(damaged()),
    }
}

fn damaged() -> String {
    "its pickle is damaged".into()
}
