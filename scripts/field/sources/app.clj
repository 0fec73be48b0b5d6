(println "starting") (Thread/sleep 20) (clojure.pprint/pprint {:port 8080 :hosts (vec (range 30)) :tls {:cert "/etc/tls/tls.crt" :key "/etc/tls/tls.key"}})
(println "next") (Thread/sleep 20) (try (/ 1 0) (catch Exception e (.printStackTrace e))) (println "going on") (Thread/sleep 20)
(defn total [xs] (throw (ex-info "no total" {:lines xs :id 7}))) (total [1 2])
