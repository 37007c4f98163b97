import FoundationEssentials
import Testing

/// The pages of Tests/WireTests/Recorded; its README tells their form.
struct RecordedPages: Sendable, CustomTestStringConvertible {
    var name: String
    var pages: [[UInt8]]
    var testDescription: String { name }

    static let folder = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Recorded"

    static let all: [RecordedPages] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".pages") }.sorted().map { name in
            let file = (try? Data(contentsOf: URL(filePath: folder + "/" + name))) ?? Data()
            return RecordedPages(name: name, pages: split(Array(file)))
        }
    }()

    private static func split(_ file: [UInt8]) -> [[UInt8]] {
        var pages: [[UInt8]] = []
        var at = (file.firstIndex(of: 0x0A) ?? -1) + 1
        while at < file.count {
            let feed = file[at...].firstIndex(of: 0x0A) ?? file.count
            let line = String(decoding: file[at..<feed], as: UTF8.self)
            guard line.hasPrefix("page "), let count = Int(line.dropFirst(5)), feed + 1 + count < file.count else {
                break
            }
            pages.append(Array(file[feed + 1..<feed + 1 + count]))
            at = feed + 1 + count + 1
        }
        return pages
    }
}
