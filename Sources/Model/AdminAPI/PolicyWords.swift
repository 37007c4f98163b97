import Engine

/// A word that clients send. One that is not known is refused with the one that was probably meant.
public protocol AdminWord: Codable, CaseIterable, RawRepresentable where RawValue == String {}

extension AdminWord {
    /// Reads the word.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let word = Self(rawValue: text) else {
            let words = Self.allCases.map(\.rawValue)
            let advice = nearestName(to: text, among: words).map { "did you mean '\($0)'?" }
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "there is no '\(text.prefix(60))' here; "
                    + (advice ?? "there are: \(words.joined(separator: ", ")).")
            )
        }
        self = word
    }
}

extension FailureStep: AdminWord {}
extension FailureEvent: AdminWord {}
extension ErrorType: Codable {}
extension FailureClass: Codable {}
extension RetryAction: Codable {}
extension RetryGate: Codable {}
extension Rule.Matching: Codable {}
extension WaitProfile: Codable {}

extension RetryCount: Codable {
    /// Reads a number, or `unbounded`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            self = .limited(number)
        } else if try container.decode(String.self) == RetryCount.unbounded.description {
            self = .unbounded
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a number, or 'unbounded'")
        }
    }

    /// Writes a number, or `unbounded`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .limited(let number): try container.encode(number)
        case .unbounded: try container.encode(description)
        }
    }
}

extension RuleStatus: Codable {
    /// Reads a number, or `other`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if try container.decode(String.self) == RuleStatus.other.description {
            self = .other
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a number, or 'other'")
        }
    }

    /// Writes a number, or `other`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let number): try container.encode(number)
        case .other: try container.encode(description)
        }
    }
}
