import Files
import Glibc
import Model

/// Why there is no credential for the admin API.
public enum CredentialProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file can be neither read nor made.
    case file(FileProblem)
    /// The file does not hold one word of 16 to 1,024 characters.
    case malformed(path: String)

    /// The problem in words.
    public var description: String {
        switch self {
        case .file(let problem): problem.description
        case .malformed(let path):
            "\(path) must hold one word of 16 to 1024 visible characters; without the file the next start writes one"
        }
    }
}

/// The bearer token that the admin API asks for.
public struct Credential: Sendable {
    /// Visible ASCII, as it stands in the header.
    private let token: [UInt8]

    /// A credential that nobody knows: 32 random bytes.
    public init() {
        var source = SystemRandomNumberGenerator()
        self.init(from: &source)
    }

    init(from source: inout some RandomNumberGenerator) {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var token: [UInt8] = []
        var bits = 0
        var count = 0
        for _ in 0..<32 {
            bits = (bits << 8 | Int(UInt8.random(in: 0...255, using: &source))) & 0xFFFF
            count += 8
            while count >= 6 {
                count -= 6
                token.append(alphabet[bits >> count & 63])
            }
        }
        // 256 bits are 42 characters and four bits more, which stand first in the last character.
        token.append(alphabet[bits << 2 & 63])
        self.token = token
    }

    /// A credential with this text; nil unless it is one word of 16 to 1,024 visible characters.
    init?(_ text: [UInt8]) {
        var token = text[...]
        while let last = token.last, last == 0x0A || last == 0x0D || last == 0x20 { token.removeLast() }
        guard (16...1024).contains(token.count), token.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        self.token = Array(token)
    }

    /// The credential in a file; the first start writes the file (0600).
    public static func stored(at path: String) throws(CredentialProblem) -> Credential {
        let content: [UInt8]
        do throws(FileProblem) {
            content = try readFile(path, maximumBytes: 4096)
        } catch  where error.code == ENOENT {
            let credential = Credential()
            do throws(FileProblem) {
                try createPrivateFile(path, credential.token + [0x0A])
            } catch {
                throw .file(error)
            }
            return credential
        } catch {
            throw .file(error)
        }
        guard let credential = Credential(content) else { throw .malformed(path: path) }
        return credential
    }

    /// Whether an Authorization header shows this credential. How long that takes tells nothing of where it differs.
    func matches(_ authorization: String?) -> Bool {
        guard let authorization else { return false }
        let parts = authorization.utf8.split(separator: 0x20, maxSplits: 1)
        guard parts.count == 2, String(parts[0])?.lowercased() == "bearer" else { return false }
        let shown = Array(parts[1])
        var difference = shown.count ^ token.count
        for index in token.indices {
            difference |= Int(token[index] ^ (index < shown.count ? shown[index] : 0))
        }
        return difference == 0
    }
}
