//! YAML text to trees: PyYAML's reading of YAML 1.1.
