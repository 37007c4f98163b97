import Gzip

/// A response as it leaves: head and body apart, so that a body can be cut.
struct WrittenResponse {
    var head: [UInt8]
    var body: [UInt8]
}

extension Response {
    /// Bodies beyond this are chunked, as Trino 476 has them.
    private static let chunkedBeyond = 8192
    /// Bodies under this are not compressed.
    private static let compressedFrom = 32
    private static let chunkBytes = 32_768

    /// The bytes of the answer to a request, its header fields in Trino's order. `chunked`: nil for what is large.
    func written(for request: Request, date: String, chunked: Bool?, closes: Bool) -> WrittenResponse {
        var body = body
        var fields: [Header] = [Header(name: "Date", value: date)]
        if status == 200, contentType != nil { fields.append(Header(name: "Vary", value: "Accept-Encoding")) }
        fields += headers
        if let contentType { fields.append(Header(name: "Content-Type", value: contentType)) }
        let isHead = request.method == .head
        if contentType == "application/json", !isHead {
            fields.append(Header(name: "X-Content-Type-Options", value: "nosniff"))
        }
        if isHead { body = [] }
        if request.acceptsGzip, body.count >= Self.compressedFrom {
            body = compress(body, level: 1)
            fields.append(Header(name: "Content-Encoding", value: "gzip"))
        }
        if status == 204 {
            body = []
        } else if !request.isHTTP10, !isHead, !body.isEmpty, chunked ?? (body.count > Self.chunkedBeyond) {
            fields.append(Header(name: "Transfer-Encoding", value: "chunked"))
            body = Self.chunked(body)
        } else {
            fields.append(Header(name: "Content-Length", value: String(body.count)))
        }
        if closes { fields.append(Header(name: "Connection", value: "close")) }
        var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
        for field in fields { head += "\(field.name): \(field.value)\r\n" }
        return WrittenResponse(head: Array((head + "\r\n").utf8), body: body)
    }

    private static func chunked(_ body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + body.count / chunkBytes * 16 + 32)
        for start in stride(from: 0, to: body.count, by: chunkBytes) {
            let end = min(start + chunkBytes, body.count)
            bytes.append(ascii: String(end - start, radix: 16) + "\r\n")
            bytes.append(contentsOf: body[start..<end])
            bytes.append(ascii: "\r\n")
        }
        bytes.append(ascii: "0\r\n\r\n")
        return bytes
    }
}
