-module(app).
-export([main/0]).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).
-include_lib("kernel/include/logger.hrl").
init(_) -> {ok, #{orders => [7, 8]}}.
handle_call(Bad, _, State) -> {reply, maps:get(Bad, State), State}.
handle_cast(_, State) -> {noreply, State}.
main() ->
    logger:set_primary_config(level, info),
    ?LOG_INFO("starting"),
    ?LOG_NOTICE("two~nlines"),
    {ok, Pid} = gen_server:start(?MODULE, [], []),
    timer:sleep(20),
    catch gen_server:call(Pid, price),
    timer:sleep(20),
    ?LOG_WARNING("going on without"),
    spawn(fun() -> lists:nth(3, [1]) end),
    timer:sleep(20),
    ?LOG_INFO(#{order => 7, lines => [#{sku => pen, count => 2}, #{sku => ink, count => 1}]}),
    io:format("printed~n"),
    timer:sleep(20),
    halt(0).
