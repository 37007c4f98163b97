/// Decides which fault acts on a request. A value machine: it counts, and does nothing itself.
struct FaultPlan: Equatable {
    private struct Armed: Equatable {
        let fault: Fault
        var passed = 0
        var acted = 0
    }

    private var armed: [Armed]

    init(_ faults: [Fault]) {
        armed = faults.map { Armed(fault: $0) }
    }

    /// The fault that acts on this request, if one does.
    mutating func onRequest(_ step: Fault.Step, page: Int?, sql: String?) -> Fault? {
        take { fault in
            fault.deed != .fail && (fault.step == step || fault.step == .any)
                && (fault.page == nil || fault.page == page)
                && (fault.sql.map { sql?.contains($0) ?? false } ?? true)
        }
    }

    /// The failure that the answer to a POST is to show.
    mutating func onSubmission(_ sql: String) -> Fault? {
        take { fault in fault.deed == .fail && fault.step == .post && (fault.sql.map { sql.contains($0) } ?? true) }
    }

    /// The failure that is to come of a statement which begins now.
    mutating func onStatement(_ sql: String) -> Fault? {
        take { fault in fault.deed == .fail && fault.step != .post && (fault.sql.map { sql.contains($0) } ?? true) }
    }

    /// Counts the first that fits and has not acted often enough.
    private mutating func take(_ fits: (Fault) -> Bool) -> Fault? {
        for index in armed.indices where fits(armed[index].fault) {
            let fault = armed[index].fault
            if armed[index].passed < fault.skip ?? 0 {
                armed[index].passed += 1
                continue
            }
            if let times = fault.times, armed[index].acted >= times { continue }
            armed[index].acted += 1
            return fault
        }
        return nil
    }
}
