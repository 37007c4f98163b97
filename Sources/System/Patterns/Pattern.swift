import CPCRE2

/// What a search for a pattern came to.
public enum Finding: Equatable, Sendable {
    /// The text holds the pattern.
    case found
    /// It does not.
    case absent
    /// The search reached one of the limits before it was known. Who asks takes it for absent, and says so.
    case gaveUp
}

/// How much work one search may be.
public struct PatternLimits: Equatable, Sendable {
    /// Steps of matching from one place of the text (PCRE2's match limit).
    public var steps: UInt32 = 20_000
    /// Levels of backtracking within one another. It acts where the pattern is interpreted, not where it runs as
    /// machine code, which has a stack of 32 KiB instead.
    public var depth: UInt32 = 5_000
    /// KiB of memory for backtracking; acts where the depth does.
    public var kibibytes: UInt32 = 4_096

    /// The defaults. Measured on 64 KiB in one line, patterns of the shipped policy ended or gave up within 0.3 ms as
    /// machine code and within 4 ms interpreted; the steps count anew from each place of the text.
    public init() {}
}

/// Why a pattern could not be compiled.
public struct PatternProblem: Error, Equatable, Sendable {
    /// Bytes of the pattern before the place where it was noticed.
    public var offset: Int
    /// PCRE2's sentence without its full stop.
    public var message: String
}

/// A regular expression over bytes, compiled once: upper and lower case are alike (of ASCII), `.` takes every byte but
/// a line feed, `^` and `$` mean the whole text. It may be searched for from many threads at once.
public final class Pattern: Sendable {
    /// The expression as it was given.
    public let source: String
    private let compiled: Compiled

    /// Bytes of a longest pattern.
    public static let maximumBytes = 4_096

    /// Compiles an expression. Groups capture nothing, so it cannot refer back to one.
    /// - Throws: where and why it is no expression, or that it is longer than `maximumBytes`.
    public init(_ source: String, limits: PatternLimits = PatternLimits()) throws(PatternProblem) {
        self.source = source
        compiled = try compile(source, limits: limits).get()
    }

    /// Looks for the pattern anywhere in a text.
    public func search(_ text: Span<UInt8>) -> Finding {
        guard !text.isEmpty else {
            // An empty span has no address, and PCRE2 wants one.
            let nothing: [UInt8] = [0]
            return unsafe nothing.withUnsafeBufferPointer { unsafe compiled.search($0.baseAddress, count: 0) }
        }
        return unsafe text.withUnsafeBufferPointer { unsafe compiled.search($0.baseAddress, count: $0.count) }
    }
}

extension Pattern: Equatable {
    /// Equal are patterns of the same expression.
    public static func == (left: Pattern, right: Pattern) -> Bool { left.source == right.source }
}

/// A compiled expression and the limits of its searches.
@safe private struct Compiled: ~Copyable, Sendable {
    // Nothing writes to either after they are made, and PCRE2 lets threads share both (pcre2api, "Multithreading").
    nonisolated(unsafe) let code: OpaquePointer
    // As above.
    nonisolated(unsafe) let context: OpaquePointer

    deinit {
        unsafe pcre2_match_context_free_8(context)
        unsafe pcre2_code_free_8(code)
    }

    func search(_ text: UnsafePointer<UInt8>?, count: Int) -> Finding {
        // Room for one pair of offsets is the least there is; nobody asks where the match was.
        guard let data = unsafe pcre2_match_data_create_8(1, nil) else { return .gaveUp }
        defer { unsafe pcre2_match_data_free_8(data) }
        let code = unsafe pcre2_match_8(code, text, count, 0, 0, data, context)
        if code >= 0 { return .found }
        // What else may come back are limits and a lack of memory: wrong text or options cannot be.
        return code == PCRE2_ERROR_NOMATCH ? .absent : .gaveUp
    }
}

private func compile(_ source: String, limits: PatternLimits) -> Result<Compiled, PatternProblem> {
    guard let settings = unsafe pcre2_compile_context_create_8(nil),
        let context = unsafe pcre2_match_context_create_8(nil)
    else { return .failure(PatternProblem(offset: 0, message: "there is no memory left for it")) }
    defer { unsafe pcre2_compile_context_free_8(settings) }
    unsafe pcre2_set_newline_8(settings, UInt32(PCRE2_NEWLINE_LF))
    unsafe pcre2_set_max_pattern_length_8(settings, Pattern.maximumBytes)
    unsafe pcre2_set_match_limit_8(context, limits.steps)
    unsafe pcre2_set_depth_limit_8(context, limits.depth)
    unsafe pcre2_set_heap_limit_8(context, limits.kibibytes)

    let options = PCRE2_CASELESS | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C
    var number: Int32 = 0
    var offset = 0
    let bytes = Array(source.utf8)
    let code = unsafe pcre2_compile_8(bytes, bytes.count, options, &number, &offset, settings)
    guard let code = unsafe code else {
        unsafe pcre2_match_context_free_8(context)
        return .failure(PatternProblem(offset: offset, message: message(of: number)))
    }
    // Where memory may not be made executable (a hardened service) this fails, and the pattern is interpreted.
    _ = unsafe pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
    return unsafe .success(Compiled(code: code, context: context))
}

private func message(of number: Int32) -> String {
    let text = unsafe [UInt8](unsafeUninitializedCapacity: 256) { output, count in
        count = unsafe max(0, Int(pcre2_get_error_message_8(number, output.baseAddress, output.count)))
    }
    return String(decoding: text, as: UTF8.self)
}
