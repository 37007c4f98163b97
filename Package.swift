// swift-tools-version: 6.2
import PackageDescription

// Rings, from the inside out: System, Core, Model, Services, Adapters, Tools, Daemon.
// A target may name only targets of its own ring and of the rings before it; Tests/Tidy checks the table.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
]

/// Core is optimised in debug builds too: one build then serves unit tests and end-to-end tests at a speed that
/// means something (a byte loop is some fifty times slower without it).
let core: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// The relay's classes belong to one loop each, and a poll touches some thirty of their properties: checking each at run
/// time took 8 % of a poll's instructions. Debug builds check, and all tests run in them.
let relay: [SwiftSetting] =
    strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// A C library of the distribution: its module map and shim lie in Sources/System.
func library(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// A module of one ring.
func module(
    _ ring: String, _ name: String, _ names: [String] = [], resources: [Resource]? = nil,
    settings: [SwiftSetting] = strict
) -> Target {
    .target(
        name: name, dependencies: names.map { .byName(name: $0) }, path: "Sources/\(ring)/\(name)",
        resources: resources, swiftSettings: settings)
}

/// The tests of one module.
func tests(_ name: String, _ names: [String], data: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: names.map { .byName(name: $0) }, path: "Tests/\(name)Tests",
        exclude: data, swiftSettings: strict)
}

let package = Package(
    name: "penstock",
    targets: [
        // System
        library("CUV", "libuv", "libuv1-dev"),
        library("CSQLite", "sqlite3", "libsqlite3-dev"),
        library("CCurl", "libcurl", "libcurl4-openssl-dev"),
        library("CPCRE2", "libpcre2-8", "libpcre2-dev"),
        library("CYAML", "yaml-0.1", "libyaml-dev"),
        library("CZlib", "zlib", "zlib1g-dev"),
        module("System", "Bytes", settings: core),
        module("System", "Threads"),
        module("System", "Files"),
        module("System", "SQLite", ["CSQLite"]),
        module("System", "Curl", ["CCurl", "Threads"]),
        module("System", "Patterns", ["CPCRE2"]),
        module("System", "YAML", ["CYAML"]),
        module("System", "Gzip", ["CZlib"]),

        // Core
        module("Core", "Wire", ["Bytes"], settings: core),
        module("Core", "SQL", ["Bytes"], settings: core),
        module("Core", "Engine", ["Wire", "SQL", "Patterns"], settings: core),

        // Model
        .target(name: "Model", dependencies: ["Engine", "SQL", "Wire"], path: "Sources/Model", swiftSettings: strict),

        // Services
        .target(
            name: "Services", dependencies: ["Engine", "SQL", "Wire", "Model"], path: "Sources/Services",
            swiftSettings: strict),

        // Adapters
        module("Adapters", "Network", ["CUV", "Bytes"]),
        module("Adapters", "HTTPServer", ["Network", "Wire"]),
        module("Adapters", "Relay", ["Network", "Wire", "SQL", "Engine", "Model", "Bytes"], settings: relay),
        module("Adapters", "StorageSQLite", ["SQLite", "Threads", "Files", "Model", "Engine", "SQL", "Wire"]),
        module("Adapters", "WebClient", ["Curl", "Model", "Engine"]),
        // The shipped failure policy is inside the binary.
        module(
            "Adapters", "SettingsFiles", ["YAML", "Patterns", "Model", "Engine"],
            resources: [.embedInCode("../../../Config/failure-policy.yaml")]),
        module("Adapters", "Telemetry", ["Bytes", "Files", "Model", "Engine", "Wire"]),
        module("Adapters", "AdminServer", ["HTTPServer", "Files", "Model", "Engine"]),

        // Tools
        module("Tools", "DemoCoordinator", ["Network", "Wire", "SQL", "SQLite", "Threads", "Gzip"]),

        // Daemon
        module(
            "Daemon", "Gateway",
            [
                "Engine", "Wire", "Model", "Services", "Network", "HTTPServer", "Relay", "StorageSQLite", "WebClient",
                "SettingsFiles", "Telemetry", "AdminServer", "Threads", "Files",
            ]),
        module(
            "Daemon", "Commands",
            ["Gateway", "DemoCoordinator", "SettingsFiles", "WebClient", "Files", "Engine", "Model", "Network"]),
        .executableTarget(
            name: "penstock", dependencies: ["Commands"], path: "Sources/Daemon/penstock", swiftSettings: strict),

        tests("Network", ["Network"]),
        tests("HTTPServer", ["HTTPServer", "Network"]),
        // Tests: one line each, tests("Wire", ["Wire"])
        tests("Bytes", ["Bytes"]),
        tests("Wire", ["Wire"], data: ["Recorded"]),
        tests("SQLite", ["SQLite"]),
        tests("Threads", ["Threads"]),
        tests("Gzip", ["Gzip"]),
        tests("Files", ["Files"]),
        .target(
            name: "TestKit", dependencies: ["Engine", "SQL", "Wire", "Model", "Threads"], path: "Tests/TestKit",
            swiftSettings: strict),
        .systemLibrary(name: "CFileUser", path: "Tests/CFileUser"),
        tests(
            "StorageSQLite", ["StorageSQLite", "TestKit", "CFileUser", "SQLite", "Engine", "Model", "SQL", "Wire"],
            data: ["Recorded"]),
        tests("Curl", ["Curl", "TestKit"]),
        tests("WebClient", ["WebClient", "TestKit", "Engine", "Model"]),
        tests("SQL", ["SQL"]),
        tests("DemoCoordinator", ["DemoCoordinator", "SQLite", "Wire"]),
        tests("Services", ["Services", "Model", "Engine", "SQL", "Wire"]),
        tests("Engine", ["Engine", "Patterns", "SQL", "Wire"]),
        tests("Patterns", ["Patterns"]),
        tests("YAML", ["YAML"]),
        tests("AdminServer", ["AdminServer", "Network", "WebClient", "Files", "Model", "Engine", "Wire"]),
        tests("Commands", ["Commands", "Files", "Model", "Engine", "Patterns", "Wire"]),
        tests("Telemetry", ["Telemetry", "Model", "Engine", "SQL", "Wire"]),
        tests("Model", ["Model", "Engine"]),
        tests("SettingsFiles", ["SettingsFiles", "Model", "Engine", "Patterns", "YAML"], data: ["Policy/Facts"]),
    ]
)
