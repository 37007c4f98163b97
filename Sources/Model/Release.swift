/// This version of Penstock, as `--version`, the status and the metrics tell it.
public let releaseVersion = "0.1.0"
