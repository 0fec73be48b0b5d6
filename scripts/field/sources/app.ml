exception Declined of int
let rec price n = if n > 2 then raise (Declined n) else if n = 0 then List.hd [] else n + price (n - 1)
let () =
  Printexc.record_backtrace true;
  prerr_endline "start"; prerr_endline "order 1";
  Unix.sleepf 0.01;
  (try ignore (price 1) with e -> Printf.eprintf "failed: %s\n%s%!" (Printexc.to_string e) (Printexc.get_backtrace ()));
  prerr_endline "next";
  Unix.sleepf 0.01;
  ignore (price 7)
