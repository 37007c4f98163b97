import Model

extension Route {
    /// Registrations.
    static let coordinators = [
        Route(.get, "/v1/coordinators", "All registrations", answer: ListBody<CoordinatorBody>.self) {
            (call) throws(AdminProblem) in
            ListBody(await call.api.coordinators())
        },
        Route(
            .post, "/v1/coordinators", "Register a coordinator", takes: CoordinatorRequest.self, status: 201,
            answer: CoordinatorBody.self
        ) { (call, request) throws(AdminProblem) in
            try await call.api.add(request)
        },
        Route(.get, "/v1/coordinators/{name}", "A registration", answer: CoordinatorBody.self) {
            (call) throws(AdminProblem) in
            try await call.api.coordinator(call.name("name"))
        },
        Route(
            .delete, "/v1/coordinators/{name}", "Remove a registration: it takes nothing new and finishes what it has",
            answer: CoordinatorBody.self
        ) { (call) throws(AdminProblem) in
            try await call.api.remove(call.name("name"))
        },
        Route(.post, "/v1/coordinators/{name}/drain", "Give it nothing new", answer: CoordinatorBody.self) {
            (call) throws(AdminProblem) in
            try await call.api.drain(call.name("name"))
        },
        Route(.post, "/v1/coordinators/{name}/undrain", "Give it statements again", answer: CoordinatorBody.self) {
            (call) throws(AdminProblem) in
            try await call.api.undrain(call.name("name"))
        },
    ]
}
