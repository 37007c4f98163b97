import Bytes

/// The header fields that the gateway knows; every other one is `other` and passes as it came.
///
/// `X-Trino-` and `X-Presto-` twins give the same case; `Field.dialect` tells which of them was written.
public enum FieldName: UInt8, Sendable {
    case other
    // Framing and the connection.
    case host, connection, keepAlive, proxyConnection, contentLength, transferEncoding, te, trailer, upgrade, expect
    // Content.
    case acceptEncoding, contentEncoding, contentType, location, retryAfter, date, server
    // Secrets and who asks.
    case authorization, wwwAuthenticate, cookie, setCookie, extraCredential
    /// Proxy-Authenticate, Proxy-Authorization.
    case proxyHop
    /// X-Forwarded-*, Forwarded and X-Presto-Prefix-Url: what decides the URIs that a coordinator hands out.
    case forwarded
    // The gateway's own.
    case penstockPool, penstockRetries, penstockAttempt, penstockStatement, penstockOther
    // The protocol's requests.
    case user, source, clientTags, catalog, schema, transactionID, routingGroup, preparedStatement, traceToken
    case queryDataEncoding, prestoRetryQuery
    // The protocol's responses.
    case startedTransactionID, clearTransactionID
    /// Set-*, Clear-*, Reset-*, Added-*, Removed-* and Deallocated-*: a change of the client's session.
    case sessionChange

    /// Whether the field speaks of one connection only and never passes a proxy (RFC 9110, 7.6.1).
    public var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .te, .trailer, .upgrade, .proxyHop: true
        case .other, .host, .contentLength, .expect, .acceptEncoding, .contentEncoding, .contentType, .location,
            .retryAfter, .date, .server, .authorization, .wwwAuthenticate, .cookie, .setCookie, .extraCredential,
            .forwarded, .penstockPool, .penstockRetries, .penstockAttempt, .penstockStatement, .penstockOther, .user,
            .source, .clientTags, .catalog, .schema, .transactionID, .routingGroup, .preparedStatement, .traceToken,
            .queryDataEncoding, .prestoRetryQuery, .startedTransactionID, .clearTransactionID, .sessionChange:
            false
        }
    }

    /// Whether the gateway reads such a field to know where the message ends, or what becomes of the connection.
    @inline(__always)
    var speaksOfMessage: Bool {
        switch self {
        case .host, .contentLength, .transferEncoding, .connection, .expect, .contentEncoding: true
        case .other, .keepAlive, .proxyConnection, .te, .trailer, .upgrade, .acceptEncoding, .contentType, .location,
            .retryAfter, .date, .server, .authorization, .wwwAuthenticate, .cookie, .setCookie, .extraCredential,
            .proxyHop, .forwarded, .penstockPool, .penstockRetries, .penstockAttempt, .penstockStatement,
            .penstockOther, .user, .source, .clientTags, .catalog, .schema, .transactionID, .routingGroup,
            .preparedStatement, .traceToken, .queryDataEncoding, .prestoRetryQuery, .startedTransactionID,
            .clearTransactionID, .sessionChange:
            false
        }
    }

    /// Whether `classify` compared every byte of such a field's name: then it is a token.
    @inline(__always)
    var isSpelledOut: Bool {
        self != .other && self != .forwarded && self != .penstockOther && self != .sessionChange
    }
}

/// Names the field `bytes[range]`; a switch on its length, then at most a few comparisons.
func classify(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (name: FieldName, dialect: Dialect?) {
    if range.count > 8, bytes[range.lowerBound] | 0x20 == UInt8(ascii: "x"), bytes[range.lowerBound + 1] == 0x2D {
        return classifyExtension(bytes, range)
    }
    return (classifyCommon(bytes, range), nil)
}

/// Names a field of HTTP itself.
private func classifyCommon(_ bytes: Span<UInt8>, _ range: Range<Int>) -> FieldName {
    @inline(__always) func has(_ name: StaticString) -> Bool { equalsIgnoringCase(bytes, range, name) }
    switch range.count {
    case 2: if has("te") { return .te }
    case 4: if has("host") { return .host } else if has("date") { return .date }
    case 6:
        if has("server") { return .server } else if has("expect") { return .expect }
        if has("cookie") { return .cookie }
    case 7: if has("upgrade") { return .upgrade } else if has("trailer") { return .trailer }
    case 8: if has("location") { return .location }
    case 9: if has("forwarded") { return .forwarded }
    case 10:
        if has("connection") { return .connection } else if has("keep-alive") { return .keepAlive }
        if has("set-cookie") { return .setCookie }
    case 11: if has("retry-after") { return .retryAfter }
    case 12: if has("content-type") { return .contentType }
    case 13: if has("authorization") { return .authorization }
    case 14: if has("content-length") { return .contentLength }
    case 15: if has("accept-encoding") { return .acceptEncoding }
    case 16:
        if has("content-encoding") {
            return .contentEncoding
        } else if has("www-authenticate") {
            return .wwwAuthenticate
        }
        if has("proxy-connection") { return .proxyConnection }
    case 17: if has("transfer-encoding") { return .transferEncoding }
    case 18: if has("proxy-authenticate") { return .proxyHop }
    case 19: if has("proxy-authorization") { return .proxyHop }
    default: break
    }
    return .other
}

/// Names a field that begins with `X-`.
private func classifyExtension(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (name: FieldName, dialect: Dialect?) {
    let start = range.lowerBound
    @inline(__always) func begins(_ prefix: StaticString) -> Bool {
        let end = start + prefix.utf8CodeUnitCount
        return end < range.upperBound && equalsIgnoringCase(bytes, start..<end, prefix)
    }
    switch bytes[start + 2] | 0x20 {
    case UInt8(ascii: "t") where begins("x-trino-"):
        return (classifyProtocol(bytes, start + 8..<range.upperBound), .trino)
    case UInt8(ascii: "p") where begins("x-presto-"):
        let rest = start + 9..<range.upperBound
        if equalsIgnoringCase(bytes, rest, "retry-query") { return (.prestoRetryQuery, .presto) }
        if equalsIgnoringCase(bytes, rest, "prefix-url") { return (.forwarded, .presto) }
        return (classifyProtocol(bytes, rest), .presto)
    case UInt8(ascii: "p") where begins("x-penstock-"):
        let rest = start + 11..<range.upperBound
        if equalsIgnoringCase(bytes, rest, "pool") { return (.penstockPool, nil) }
        if equalsIgnoringCase(bytes, rest, "retries") { return (.penstockRetries, nil) }
        if equalsIgnoringCase(bytes, rest, "attempt") { return (.penstockAttempt, nil) }
        if equalsIgnoringCase(bytes, rest, "statement") { return (.penstockStatement, nil) }
        return (.penstockOther, nil)
    case UInt8(ascii: "f") where begins("x-forwarded-"):
        return (.forwarded, nil)
    default:
        return (.other, nil)
    }
}

/// Names what follows `X-Trino-` or `X-Presto-`.
private func classifyProtocol(_ bytes: Span<UInt8>, _ range: Range<Int>) -> FieldName {
    @inline(__always) func has(_ name: StaticString) -> Bool { equalsIgnoringCase(bytes, range, name) }
    @inline(__always) func begins(_ prefix: StaticString) -> Bool {
        let end = range.lowerBound + prefix.utf8CodeUnitCount
        return end < range.upperBound && equalsIgnoringCase(bytes, range.lowerBound..<end, prefix)
    }
    switch range.count {
    case 4: if has("user") { return .user }
    case 6: if has("source") { return .source } else if has("schema") { return .schema }
    case 7: if has("catalog") { return .catalog }
    case 11: if has("client-tags") { return .clientTags } else if has("trace-token") { return .traceToken }
    case 13: if has("routing-group") { return .routingGroup }
    case 14: if has("transaction-id") { return .transactionID }
    case 16: if has("extra-credential") { return .extraCredential }
    case 18: if has("prepared-statement") { return .preparedStatement }
    case 19: if has("query-data-encoding") { return .queryDataEncoding }
    case 20: if has("clear-transaction-id") { return .clearTransactionID }
    case 22: if has("started-transaction-id") { return .startedTransactionID }
    default: break
    }
    let changes =
        begins("set-") || begins("clear-") || begins("reset-") || begins("added-") || begins("removed-")
        || begins("deallocated-")
    return changes ? .sessionChange : .other
}
