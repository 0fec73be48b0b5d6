create table orders (id int primary key, mail text unique);
insert into orders values (1, 'a'), (2, 'b');
select id,
       mail
from orders;
insert into orders
values (3, 'a');
select nope
from orders
where id = 1;
do $$ begin raise notice 'hello'; perform 1/0; end $$;
select pg_sleep(0.05);
explain select * from orders o join orders p using (id);
