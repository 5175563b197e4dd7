//! Words of a command line.

/// What was given, less what has been taken.
pub struct Options(Vec<String>);

impl Options {
    /// Those of this process.
    pub fn given() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Whether a word is there.
    pub fn flag(&mut self, name: &str) -> bool {
        self.at(name).map(|at| self.0.remove(at)).is_some()
    }

    /// The word behind a name.
    pub fn value(&mut self, name: &str) -> Option<String> {
        let at = self.at(name).filter(|at| at + 1 < self.0.len())?;
        self.0.remove(at);
        Some(self.0.remove(at))
    }

    /// What is left, if it is so many words; otherwise how to use the program.
    pub fn rest<const N: usize>(self, usage: &str) -> Result<[String; N], String> {
        self.0.try_into().map_err(|left| format!("usage: {usage}; {left:?} was left"))
    }

    fn at(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|word| word == name)
    }
}
