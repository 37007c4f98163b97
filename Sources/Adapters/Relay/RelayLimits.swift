import Model

/// The limits that the loops look at, in milliseconds and bytes.
struct RelayLimits: Sendable {
    let pollAnswer: Int64
    let submitAnswer: Int64
    let gone: Int64
    let cancelAnswer: Int64
    let abandoned: Int64
    let remembered: Int64
    let idleTransaction: Int64
    let headTime: Int64
    let bodyProgress: Int64
    let idleClient: Int64
    let readerProgress: Int64
    let connect: Int64
    let idleUpstream: Int64
    let waitingStatements: Int
    let statementText: Int
    let kindText: Int
    let headSize: Int
    let pageStart: Int
    let lastPage: Int
    let highWater: Int
    let heads: Int
    let bodies: Int
    let capsules: Int
    let pagesKeptBack: Int
    let answeredPages: Int
    let relayBuffers: Int
    let tombstones: Int

    init(_ limits: LimitSettings) {
        func milliseconds(_ duration: Duration) -> Int64 {
            let parts = duration.components
            return parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
        }
        pollAnswer = milliseconds(limits.pollAnswer)
        submitAnswer = milliseconds(limits.submitAnswer)
        gone = milliseconds(limits.gone)
        cancelAnswer = milliseconds(limits.cancelAnswer)
        abandoned = milliseconds(limits.abandoned)
        remembered = milliseconds(limits.remembered)
        idleTransaction = milliseconds(limits.idleTransaction)
        headTime = milliseconds(limits.headTime)
        bodyProgress = milliseconds(limits.bodyProgress)
        idleClient = milliseconds(limits.idleClient)
        readerProgress = milliseconds(limits.readerProgress)
        connect = milliseconds(limits.connect)
        idleUpstream = milliseconds(limits.idleUpstream)
        waitingStatements = limits.waitingStatements
        statementText = limits.statementText
        kindText = limits.kindText
        headSize = limits.headSize
        pageStart = limits.pageStart
        lastPage = limits.lastPage
        highWater = limits.highWater
        heads = limits.heads
        bodies = limits.bodies
        capsules = limits.capsules
        pagesKeptBack = limits.pagesKeptBack
        answeredPages = limits.answeredPages
        relayBuffers = limits.relayBuffers
        tombstones = limits.tombstones
    }
}
