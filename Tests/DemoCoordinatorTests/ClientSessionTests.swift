import Testing
import Wire

@testable import DemoCoordinator

@Suite struct ClientSessionTests {
    @Test func headersAreReadInEitherDialect() throws {
        for (prefix, dialect) in [("x-trino-", Dialect.trino), ("x-presto-", .presto)] {
            let session = try ClientSession(headers: [
                (prefix + "user", "ada"), (prefix + "catalog", "TPCH"), (prefix + "schema", "tiny"),
                (prefix + "session", "a=1, b=x%3Dy"), (prefix + "session", "c=3"),
                (prefix + "prepared-statement", "p=SELECT+%3F"), (prefix + "transaction-id", "NONE"),
                (prefix + "client-capabilities", "PATH,PARAMETRIC_DATETIME"), ("x-penstock-attempt", "2"),
            ])
            #expect(session.user == "ada" && session.catalog == "tpch" && session.dialect == dialect)
            #expect(session.properties == ["a": "1", "b": "x=y", "c": "3"])
            #expect(session.prepared == ["p": "SELECT ?"])
            #expect(session.transaction == "NONE" && session.transactionID == nil)
            #expect(session.hasParametricTimes && session.attempt == "2")
        }
    }

    @Test func ofBothDialectsTrinosCounts() throws {
        let session = try ClientSession(headers: [("x-presto-user", "b"), ("x-trino-user", "a")])
        #expect(session.user == "a" && session.dialect == .trino)
    }

    @Test func whatCannotBeReadIsRefusedInTrinosWords() {
        func fault(_ name: String, _ value: String) -> SessionFault? {
            do throws(SessionFault) {
                _ = try ClientSession(headers: [("x-trino-user", "a"), (name, value)])
                return nil
            } catch { return error }
        }
        #expect(fault("x-trino-session", "nope") == .invalid("Invalid X-Trino-Session header"))
        #expect(fault("x-trino-prepared-statement", "a=%zz") == .invalid("Invalid X-Trino-Prepared-Statement header"))
        #expect(fault("x-trino-transaction-id", "zzz") == .invalid("Invalid UUID string: zzz"))
        #expect(fault("x-trino-schema", "s") == .invalid("Schema is set but catalog is not"))
        #expect(fault("x-trino-user", "") == nil)
        do throws(SessionFault) {
            _ = try ClientSession(headers: [("x-trino-source", "s")])
            Issue.record("a request without a user was taken")
        } catch { #expect(error == .noUser) }
    }

    @Test func valuesAreFormEncoded() {
        #expect(urlEncoded("SELECT ?\n'é'") == "SELECT+%3F%0A%27%C3%A9%27")
        #expect(urlDecoded("SELECT+%3F%0A%27%C3%A9%27") == "SELECT ?\n'é'")
        #expect(urlDecoded("%") == nil)
    }
}
