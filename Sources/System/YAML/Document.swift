/// A YAML text of at most one document.
public struct Document: Equatable, Sendable {
    /// Its value; nil when the text is empty or only comments.
    public let root: Node?
    /// Every key that stands twice in one mapping, at its second place. The tree holds the first of the two; who takes
    /// repeated keys for an error (all should) can report each of them together with other findings.
    public let repeatedKeys: [YAMLProblem]

    /// Reads a text.
    /// - Throws: the first thing that ends reading: bad syntax or encoding, a second document, a tag, a key that is
    ///   not a scalar, an alias to nothing, or a bound that is passed.
    public init(_ bytes: [UInt8], bounds: Bounds = Bounds()) throws(YAMLProblem) {
        guard bytes.count <= bounds.bytes else {
            throw YAMLProblem(
                mark: Mark(line: 1, column: 1), message: "the text has more than \(bounds.bytes) bytes")
        }
        var composer = Composer(reader: EventReader(bytes), bounds: bounds)
        root = try composer.document()
        repeatedKeys = composer.repeatedKeys
    }
}

/// Makes one tree of the events of a text.
private struct Composer: ~Copyable {
    /// A value that was named, with the number of values and the depth in it.
    struct Anchored {
        var node: Node
        var count: Int
        var depth: Int
    }

    var reader: EventReader
    let bounds: Bounds
    var repeatedKeys: [YAMLProblem] = []
    private var anchors: [String: Anchored] = [:]
    private var count = 0

    init(reader: consuming EventReader, bounds: Bounds) {
        self.reader = reader
        self.bounds = bounds
    }

    mutating func document() throws(YAMLProblem) -> Node? {
        var root: Node?
        var documents = 0
        while true {
            let event = try reader.next()
            switch event.kind {
            case .streamEnd:
                return root
            case .documentStart:
                documents += 1
                if documents > 1 {
                    throw YAMLProblem(mark: event.mark, message: "a second document begins; only one is allowed")
                }
            case .other:
                continue
            case .scalar, .sequenceStart, .mappingStart, .alias, .end:
                root = try node(event, depth: 1).node
            }
        }
    }

    /// The value that begins with an event.
    private mutating func node(_ event: Event, depth: Int) throws(YAMLProblem) -> (node: Node, depth: Int) {
        if event.hasTag { throw YAMLProblem(mark: event.mark, message: "tags are not supported") }
        let before = count
        let kind: Node.Kind
        var inner = 0
        switch event.kind {
        case .alias:
            return try expansion(of: event, depth: depth)
        case .scalar(let text, let isQuoted):
            try add(1, at: event.mark)
            kind = .scalar(text, isQuoted: isQuoted)
        case .sequenceStart:
            try add(1, at: event.mark)
            (kind, inner) = try sequence(depth: depth, mark: event.mark)
        case .mappingStart:
            try add(1, at: event.mark)
            (kind, inner) = try mapping(depth: depth, mark: event.mark)
        case .streamEnd, .documentStart, .end, .other:
            throw YAMLProblem(mark: event.mark, message: "a value is missing")
        }
        let node = Node(mark: event.mark, kind: kind)
        if let anchor = event.anchor {
            anchors[anchor] = Anchored(node: node, count: count - before, depth: inner)
        }
        return (node, inner)
    }

    private mutating func sequence(depth: Int, mark: Mark) throws(YAMLProblem) -> (Node.Kind, Int) {
        try check(depth: depth, at: mark)
        var items: [Node] = []
        var deepest = 0
        while true {
            let event = try reader.next()
            if case .end = event.kind { return (.sequence(items), deepest + 1) }
            let (item, inner) = try node(event, depth: depth + 1)
            items.append(item)
            deepest = max(deepest, inner)
        }
    }

    private mutating func mapping(depth: Int, mark: Mark) throws(YAMLProblem) -> (Node.Kind, Int) {
        try check(depth: depth, at: mark)
        var entries: [Node.Entry] = []
        var lines: [String: Int] = [:]
        var deepest = 0
        while true {
            let event = try reader.next()
            if case .end = event.kind { return (.mapping(entries), deepest + 1) }
            guard case .scalar(let key, _) = try node(event, depth: depth + 1).node.kind else {
                throw YAMLProblem(mark: event.mark, message: "a key must be a plain text")
            }
            let (value, inner) = try node(try reader.next(), depth: depth + 1)
            deepest = max(deepest, inner)
            if let line = lines[key] {
                repeatedKeys.append(
                    YAMLProblem(mark: event.mark, message: "`\(key)` stands here a second time, first in line \(line)"))
            } else {
                lines[key] = event.mark.line
                entries.append(Node.Entry(key: key, mark: event.mark, value: value))
            }
        }
    }

    /// What an alias stands for: counted and measured before anything is copied.
    private mutating func expansion(of event: Event, depth: Int) throws(YAMLProblem) -> (node: Node, depth: Int) {
        guard let name = event.anchor, let anchored = anchors[name] else {
            throw YAMLProblem(mark: event.mark, message: "`*\(event.anchor ?? "")` names nothing that stands before it")
        }
        try add(anchored.count, at: event.mark)
        try check(depth: depth + anchored.depth - 1, at: event.mark)
        return (anchored.node, anchored.depth)
    }

    private mutating func add(_ number: Int, at mark: Mark) throws(YAMLProblem) {
        count += number
        if count > bounds.nodes {
            throw YAMLProblem(mark: mark, message: "there are more than \(bounds.nodes) values, aliases expanded")
        }
    }

    private func check(depth: Int, at mark: Mark) throws(YAMLProblem) {
        if depth > bounds.depth {
            throw YAMLProblem(mark: mark, message: "values lie more than \(bounds.depth) levels deep")
        }
    }
}
