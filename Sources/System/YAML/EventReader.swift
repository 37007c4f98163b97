import CYAML

/// One step of a YAML text.
struct Event {
    enum Kind {
        case documentStart
        case streamEnd
        case scalar(String, isQuoted: Bool)
        case sequenceStart
        case mappingStart
        /// The end of a sequence or mapping; libyaml has checked which.
        case end
        case alias
        /// What carries nothing: the start of the stream, the end of a document.
        case other
    }

    var kind: Kind
    var mark: Mark
    /// The name that a value is given, or that an alias asks for.
    var anchor: String?
    var hasTag = false
}

/// libyaml's parser over a text of its own. The parser must not move and its input must outlive it: both lie on the
/// heap until the reader goes.
@safe struct EventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let isInitialised: Bool

    init(_ bytes: [UInt8]) {
        unsafe parser = .allocate(capacity: 1)
        unsafe input = .allocate(capacity: bytes.count)
        _ = unsafe input.initialize(from: bytes)
        isInitialised = unsafe yaml_parser_initialize(parser) == 1
        if isInitialised { unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count) }
    }

    deinit {
        if isInitialised { unsafe yaml_parser_delete(parser) }
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next step.
    /// - Throws: what is wrong with the syntax or the encoding; the reader is then of no more use.
    mutating func next() throws(YAMLProblem) -> Event {
        guard isInitialised else {
            throw YAMLProblem(mark: Mark(line: 1, column: 1), message: "no memory for the parser")
        }
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe Self.event(event)
    }

    private static func event(_ event: yaml_event_t) -> Event {
        let mark = unsafe Mark(event.start_mark)
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT:
            return Event(kind: .streamEnd, mark: mark)
        case YAML_DOCUMENT_START_EVENT:
            return Event(kind: .documentStart, mark: mark)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return unsafe Event(
                kind: .scalar(
                    String(decoding: bytes, as: UTF8.self), isQuoted: scalar.style != YAML_PLAIN_SCALAR_STYLE),
                mark: mark, anchor: text(scalar.anchor), hasTag: scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe Event(
                kind: .sequenceStart, mark: mark, anchor: text(start.anchor), hasTag: start.tag != nil)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe Event(
                kind: .mappingStart, mark: mark, anchor: text(start.anchor), hasTag: start.tag != nil)
        case YAML_ALIAS_EVENT:
            return unsafe Event(kind: .alias, mark: mark, anchor: text(event.data.alias.anchor))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return Event(kind: .end, mark: mark)
        default:
            // libyaml's type is open; what is left is the start of the stream and the end of a document.
            return Event(kind: .other, mark: mark)
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }

    private func problem() -> YAMLProblem {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "it cannot be read as YAML"
        // The decoder of bytes knows only an offset, not a mark.
        if unsafe parser.pointee.error == YAML_READER_ERROR {
            let offset = unsafe min(Int(parser.pointee.problem_offset), input.count)
            let line = unsafe input[..<offset].count { $0 == UInt8(ascii: "\n") } + 1
            return YAMLProblem(mark: Mark(line: line, column: 1), message: problem)
        }
        let mark = unsafe Mark(parser.pointee.problem_mark)
        guard let context = unsafe parser.pointee.context.map({ unsafe String(cString: $0) }) else {
            return YAMLProblem(mark: mark, message: problem)
        }
        let line = unsafe Mark(parser.pointee.context_mark).line
        return YAMLProblem(mark: mark, message: "\(problem) \(context) that begins in line \(line)")
    }
}

extension Mark {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
