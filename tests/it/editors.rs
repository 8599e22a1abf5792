//! What editors are told of the language, and the checks for CI and before commits.
