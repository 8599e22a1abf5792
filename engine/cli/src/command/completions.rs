//! `engine completions`: lets a shell complete the command line.
//!
//! In: the name of a shell. Out: its completion script, made from the commands as they are.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::exit::{End, Failure};
use crate::output;

/// Print a script that lets a shell complete commands and flags
#[derive(Args)]
#[command(after_help = "\
How to install:
  bash        engine completions bash > ~/.local/share/bash-completion/completions/engine
  zsh         engine completions zsh > \"${fpath[1]}/_engine\"
  fish        engine completions fish > ~/.config/fish/completions/engine.fish
  elvish      engine completions elvish >> ~/.config/elvish/rc.elv
  powershell  engine completions powershell >> $PROFILE")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<End, Failure> {
    output::result(&script(arguments.shell));
    Ok(End::Complete)
}

fn script(shell: Shell) -> String {
    let mut command = super::Arguments::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn every_shell_learns_the_commands() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            assert!(script.contains("entitlements") && script.contains("completions"), "{shell}");
        }
    }
}
