import Model

extension Route {
    /// Groups, and flips of them.
    static let groups = [
        Route(.get, "/v1/groups", "All groups", answer: ListBody<GroupBody>.self) { (call) throws(AdminProblem) in
            ListBody(await call.api.groups())
        },
        Route(.get, "/v1/groups/{group}", "A group, its pools and what drains", answer: GroupBody.self) {
            (call) throws(AdminProblem) in
            try await call.api.group(call.name("group"))
        },
        Route(
            .post, "/v1/groups/{group}/flip", "Make another pool active; 409 names the guard that refused",
            takes: FlipRequest.self, answer: FlipBody.self
        ) { (call, request) throws(AdminProblem) in
            try await call.api.flip(group: call.name("group"), request, by: call.by)
        },
        Route(
            .post, "/v1/groups/{group}/rollback", "Undo the newest flip; 409 names the guard that refused",
            takes: RollbackRequest.self, answer: FlipBody.self
        ) { (call, request) throws(AdminProblem) in
            try await call.api.rollback(group: call.name("group"), request, by: call.by)
        },
    ]

    /// The flip log.
    static let flips = [
        Route(
            .get, "/v1/groups/{group}/flips", "The flip log of a group, newest first", parameters: ListQuery.parameters,
            answer: ListBody<FlipLine>.self
        ) { (call) throws(AdminProblem) in
            try await list(call, group: call.name("group"))
        },
        Route(
            .get, "/v1/flips", "The flip log, newest first", parameters: ListQuery.parameters,
            answer: ListBody<FlipLine>.self
        ) { (call) throws(AdminProblem) in
            try await list(call, group: nil)
        },
        Route(.get, "/v1/flips/{flip}", "A line of the flip log", answer: FlipLine.self) {
            (call) throws(AdminProblem) in
            guard let number = Int64(call.name("flip")) else { throw .unknown("flip", call.name("flip")) }
            return try await call.api.flip(number)
        },
    ]
}

private func list(_ call: Route.Call, group: String?) async throws(AdminProblem) -> ListBody<FlipLine> {
    let limit = try ListQuery.limit(call)
    let cursor = call.value("cursor")
    let before = cursor.flatMap(Int64.init)
    guard cursor == nil || before != nil else { throw ListQuery.badCursor }
    let lines = try await call.api.flips(group: group, before: before, limit: limit)
    return ListBody(lines, nextCursor: lines.count == limit ? lines.last.map { String($0.flip) } : nil)
}
