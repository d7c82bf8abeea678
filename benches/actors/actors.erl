%% The actor programs of benches/compare-actors in Erlang: main(Program, Count) prints one figure.
-module(actors).
-export([main/2]).

-define(RING, 1000).

main(Program, Count) ->
    io:format("~.4f~n", [run(Program, Count)]).

%% Start a process that reports and ends, Count times.
run(spawn, Count) ->
    Self = self(),
    micros(Count, fun() ->
        repeat(Count, fun() -> spawn(fun() -> Self ! done end) end),
        await(Count)
    end);
%% One message to each of Count waiting processes, and its answer.
run(reply, Count) ->
    Waiting = [spawn(fun answer/0) || _ <- lists:seq(1, Count)],
    Self = self(),
    micros(Count, fun() ->
        lists:foreach(fun(Pid) -> Pid ! {Self, ping} end, Waiting),
        await(Count)
    end);
%% Round trips between two processes.
run(pingpong, Count) ->
    Other = spawn(fun echo/0),
    micros(Count, fun() -> volley(Other, Count) end);
%% Hops of one token through a ring.
run(ring, Count) ->
    Self = self(),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> pass(Next) end) end, Self, lists:seq(2, ?RING)),
    micros(Count, fun() -> First ! Count, close(First) end);
%% Bytes of a process that waits.
run(memory, Count) ->
    Before = erlang:memory(total),
    Waiting = [spawn(fun answer/0) || _ <- lists:seq(1, Count)],
    After = erlang:memory(total),
    Figure = (After - Before - 16 * Count) / Count, % without the list
    lists:foreach(fun(Pid) -> Pid ! stop end, Waiting),
    Figure.

micros(Count, Fun) ->
    Start = erlang:monotonic_time(nanosecond),
    Fun(),
    (erlang:monotonic_time(nanosecond) - Start) / 1000 / Count.

repeat(0, _) -> ok;
repeat(N, Fun) -> Fun(), repeat(N - 1, Fun).

await(0) -> ok;
await(N) -> receive done -> await(N - 1) end.

answer() ->
    receive
        {From, ping} -> From ! done;
        stop -> ok
    end.

echo() ->
    receive From -> From ! pong, echo() end.

volley(_, 0) -> ok;
volley(Other, N) ->
    Other ! self(),
    receive pong -> volley(Other, N - 1) end.

pass(Next) ->
    receive N -> Next ! (N - 1), pass(Next) end.

%% The caller is a member of the ring, too.
close(First) ->
    receive
        N when N =< 0 -> ok;
        N -> First ! (N - 1), close(First)
    end.
