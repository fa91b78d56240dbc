# SPDX-License-Identifier: BSD-2-Clause
#
# map: keys of all kinds, host names, patterns and what they capture, other
# maps, volatile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('m.inc', qq{inc1 I1;\n~^inc2(.) "I2 \$1";\n});
$t->write('m2.inc', qq{*.inc.org I3;\n});
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    map $arg_k $m1 { default d; a 1; B 2; "c d" 3; ~^x(.)(.)$ "$2$1";
        ~*^Y(?<yy>.+)$ "y=$yy/$arg_q"; \default DD; \hostnames HH; \volatile VV;
        \include II; "" E; include %%TESTDIR%%/m.inc; var $uri; \~t T; "\\qq" BS; }
    map $arg_k $m2 { a 1; ~a 2; ~b 3; ~b 4; B 5; }
    map $arg_k $m3 { hostnames; default d; example.com e; *.example.com we; .test.org to;
        mail.* ml; *.a.b ab; *.c.a.b cab; x.y.* xy; x.* x; include %%TESTDIR%%/m2.inc;
        ~^re\. re; localhost lh; *.de "$arg_q"; trail.ing. ti; }
    map $arg_k $m4 { hostnames; .com C; example.com E; www.* W; .org O; }
    map "$arg_k:$arg_q" $m5 { "a:b" 1; ~^a:(.*)$ "re $1"; ":" empty; default $m1; }
    map $m1 $m6 { 1 one; 21 swapped; ~^y= "chain $m1"; default "$m1$m2"; }
    map $arg_k $m7 { volatile; default "$m1"; ~(?<cap>..) "$cap"; }
    map $uri $m8 { ~^/m8/(?<rest>.*)$ $rest; ~^/(..)$ "$1"; default "$arg_k"; }
    map $http_host $m9 { hostnames; default d; localhost l; *.x x; }
    map $arg_k $n2 { a $arg_q; default $n2x; }
    map $arg_k $n2x { default $arg_q$arg_q; }
    map "" $n3 { "" x; default y; }
    map const $n4 { const "C$arg_q"; }
    map $arg_k $arg_zz { a A; default dd; }
    map $arg_zz $n5 { A AA; default dz; }
    map $arg_k $args2 { default x; }
    map $args $n6 { default "[$args]"; k=a "is a"; }
    map $arg_k $n7 { ~^(a)|(b)|(c)$ "[$1][$2][$3][$4]"; }
    map $arg_k $n8 { ~*^A.B$ dot; "~x" never; ~ empty_re; }
    server { listen 127.0.0.1:%%PORT%%; server_name localhost; root %%TESTDIR%%/html;
        location /m1 { return 200 "[$m1]"; }
        location /m2 { return 200 "[$m2]"; }
        location /m3 { return 200 "[$m3]"; }
        location /m4 { return 200 "[$m4]"; }
        location /m5 { return 200 "[$m5]"; }
        location /m6 { return 200 "[$m6]"; }
        location /m7 { return 200 "[$m7]"; }
        location /m8 { return 200 "[$m8]"; }
        location /m9 { return 200 "[$m9]"; }
        location /n2 { return 200 "[$n2]"; }
        location /n3 { return 200 "[$n3]"; }
        location /n4 { return 200 "[$n4]"; }
        location /n5 { return 200 "[$n5]"; }
        location /n6 { return 200 "[$n6]"; }
        location /n7 { return 200 "[$n7]"; }
        location /n8 { return 200 "[$n8]"; }
        location /cap/ { if ($uri ~ ^/cap/(.)(.)) { set $z "$m1";
            return 200 "$1$2|$z|$1$2"; } return 200 "no $m1"; }
        location /cap4/ { rewrite ^/cap4/(.)(.) "/r/$1/$m1/$2" break; return 200 $uri; }
        location /v1 { set $w "$m7"; set $arg_k xyxy; set $w "$w|$m7|$m1"; return 200 $w; }
        location /v2 { set $m1 over; return 200 "$m1|$m6"; }
        location /v3 { set $x1 "$m1"; set $m1 over; return 200 "$x1|$m1|$m6"; }
        location /v4 { set $m7 over; return 200 "$m7"; }
        location /v5/ { set $x1 "$m1"; rewrite ^ /v6/?k=B break; set $x2 "$m1";
            return 200 "$x1$x2"; }
        location /v8 { error_page 418 /v9; set $x1 $m1; return 418; }
        location /v9 { return 200 "$x1 $m1 $m7"; }
        }
    map $http_x_l $lang { default en; "~\b(de|fr)\b" $1; }
    server { listen 127.0.0.1:%%PORT%%; server_name captures;
        location /shop { rewrite ^/(shop)/(.*)$ /$lang/$1/$2 last; }
        location / { return 200 $uri; } }
}
EOC

# Request => body, or [status, body or Location]; a built-in page is not shown.
my @table = (
    '/m1?k=&q=Qq' => '[E]',
    '/m1?k=a&q=Qq' => '[1]',
    '/m1?k=A&q=Qq' => '[1]',
    '/m1?k=b&q=Qq' => '[2]',
    '/m1?k=B&q=Qq' => '[2]',
    '/m1?k=c%20d&q=Qq' => '[d]',
    '/m1?k=x12&q=Qq' => '[21]',
    '/m1?k=xx&q=Qq' => '[d]',
    '/m1?k=yabc&q=Qq' => '[y=abc/Qq]',
    '/m1?k=YQ&q=Qq' => '[y=Q/Qq]',
    '/m1?k=default&q=Qq' => '[DD]',
    '/m1?k=hostnames&q=Qq' => '[HH]',
    '/m1?k=volatile&q=Qq' => '[VV]',
    '/m1?k=include&q=Qq' => '[II]',
    '/m1?k=inc1&q=Qq' => '[I1]',
    '/m1?k=inc2z&q=Qq' => '[I2 z]',
    '/m1?k=var&q=Qq' => '[/m1]',
    '/m1?k=~t&q=Qq' => '[T]',
    '/m1?k=example.com&q=Qq' => '[d]',
    '/m1?k=EXAMPLE.com&q=Qq' => '[d]',
    '/m1?k=www.example.com&q=Qq' => '[d]',
    '/m1?k=a.b.example.com&q=Qq' => '[d]',
    '/m1?k=.example.com&q=Qq' => '[d]',
    '/m1?k=test.org&q=Qq' => '[d]',
    '/m1?k=x.test.org&q=Qq' => '[d]',
    '/m1?k=mail.com&q=Qq' => '[d]',
    '/m1?k=mail.&q=Qq' => '[d]',
    '/m1?k=mail&q=Qq' => '[d]',
    '/m1?k=a.b&q=Qq' => '[d]',
    '/m1?k=q.a.b&q=Qq' => '[d]',
    '/m1?k=z.c.a.b&q=Qq' => '[d]',
    '/m1?k=c.a.b&q=Qq' => '[d]',
    '/m1?k=x.y.z&q=Qq' => '[d]',
    '/m1?k=x.z&q=Qq' => '[z.]',
    '/m1?k=x.y&q=Qq' => '[y.]',
    '/m1?k=q.inc.org&q=Qq' => '[d]',
    '/m1?k=inc.org&q=Qq' => '[d]',
    '/m1?k=re.x&q=Qq' => '[d]',
    '/m1?k=localhost&q=Qq' => '[d]',
    '/m1?k=Localhost.&q=Qq' => '[d]',
    '/m1?k=foo.de&q=Qq' => '[d]',
    '/m1?k=de&q=Qq' => '[d]',
    '/m1?k=trail.ing&q=Qq' => '[d]',
    '/m1?k=trail.ing.&q=Qq' => '[d]',
    '/m1?k=com&q=Qq' => '[d]',
    '/m1?k=x.com&q=Qq' => '[d]',
    '/m1?k=www.com&q=Qq' => '[d]',
    '/m1?k=www.org&q=Qq' => '[d]',
    '/m1?k=org&q=Qq' => '[d]',
    '/m1?k=example.com.&q=Qq' => '[d]',
    '/m1?k=c&q=Qq' => '[d]',
    '/m1?k=aXb&q=Qq' => '[d]',
    '/m1?k=..&q=Qq' => '[d]',
    '/m1?k=.&q=Qq' => '[d]',
    '/m1?k=*.example.com&q=Qq' => '[d]',
    '/m1?k=mail.*&q=Qq' => '[d]',
    '/m1?k=12&q=Qq' => '[d]',
    '/m2?k=&q=Qq' => '[]',
    '/m2?k=a&q=Qq' => '[1]',
    '/m2?k=A&q=Qq' => '[1]',
    '/m2?k=b&q=Qq' => '[5]',
    '/m2?k=B&q=Qq' => '[5]',
    '/m2?k=c%20d&q=Qq' => '[]',
    '/m2?k=x12&q=Qq' => '[]',
    '/m2?k=xx&q=Qq' => '[]',
    '/m2?k=yabc&q=Qq' => '[2]',
    '/m2?k=YQ&q=Qq' => '[]',
    '/m2?k=default&q=Qq' => '[2]',
    '/m2?k=hostnames&q=Qq' => '[2]',
    '/m2?k=volatile&q=Qq' => '[2]',
    '/m2?k=include&q=Qq' => '[]',
    '/m2?k=inc1&q=Qq' => '[]',
    '/m2?k=inc2z&q=Qq' => '[]',
    '/m2?k=var&q=Qq' => '[2]',
    '/m2?k=~t&q=Qq' => '[]',
    '/m2?k=example.com&q=Qq' => '[2]',
    '/m2?k=EXAMPLE.com&q=Qq' => '[]',
    '/m2?k=www.example.com&q=Qq' => '[2]',
    '/m2?k=a.b.example.com&q=Qq' => '[2]',
    '/m2?k=.example.com&q=Qq' => '[2]',
    '/m2?k=test.org&q=Qq' => '[]',
    '/m2?k=x.test.org&q=Qq' => '[]',
    '/m2?k=mail.com&q=Qq' => '[2]',
    '/m2?k=mail.&q=Qq' => '[2]',
    '/m2?k=mail&q=Qq' => '[2]',
    '/m2?k=a.b&q=Qq' => '[2]',
    '/m2?k=q.a.b&q=Qq' => '[2]',
    '/m2?k=z.c.a.b&q=Qq' => '[2]',
    '/m2?k=c.a.b&q=Qq' => '[2]',
    '/m2?k=x.y.z&q=Qq' => '[]',
    '/m2?k=x.z&q=Qq' => '[]',
    '/m2?k=x.y&q=Qq' => '[]',
    '/m2?k=q.inc.org&q=Qq' => '[]',
    '/m2?k=inc.org&q=Qq' => '[]',
    '/m2?k=re.x&q=Qq' => '[]',
    '/m2?k=localhost&q=Qq' => '[2]',
    '/m2?k=Localhost.&q=Qq' => '[2]',
    '/m2?k=foo.de&q=Qq' => '[]',
    '/m2?k=de&q=Qq' => '[]',
    '/m2?k=trail.ing&q=Qq' => '[2]',
    '/m2?k=trail.ing.&q=Qq' => '[2]',
    '/m2?k=com&q=Qq' => '[]',
    '/m2?k=x.com&q=Qq' => '[]',
    '/m2?k=www.com&q=Qq' => '[]',
    '/m2?k=www.org&q=Qq' => '[]',
    '/m2?k=org&q=Qq' => '[]',
    '/m2?k=example.com.&q=Qq' => '[2]',
    '/m2?k=c&q=Qq' => '[]',
    '/m2?k=aXb&q=Qq' => '[2]',
    '/m2?k=..&q=Qq' => '[]',
    '/m2?k=.&q=Qq' => '[]',
    '/m2?k=*.example.com&q=Qq' => '[2]',
    '/m2?k=mail.*&q=Qq' => '[2]',
    '/m2?k=12&q=Qq' => '[]',
    '/m3?k=&q=Qq' => '[d]',
    '/m3?k=a&q=Qq' => '[d]',
    '/m3?k=A&q=Qq' => '[d]',
    '/m3?k=b&q=Qq' => '[d]',
    '/m3?k=B&q=Qq' => '[d]',
    '/m3?k=c%20d&q=Qq' => '[d]',
    '/m3?k=x12&q=Qq' => '[d]',
    '/m3?k=xx&q=Qq' => '[d]',
    '/m3?k=yabc&q=Qq' => '[d]',
    '/m3?k=YQ&q=Qq' => '[d]',
    '/m3?k=default&q=Qq' => '[d]',
    '/m3?k=hostnames&q=Qq' => '[d]',
    '/m3?k=volatile&q=Qq' => '[d]',
    '/m3?k=include&q=Qq' => '[d]',
    '/m3?k=inc1&q=Qq' => '[d]',
    '/m3?k=inc2z&q=Qq' => '[d]',
    '/m3?k=var&q=Qq' => '[d]',
    '/m3?k=~t&q=Qq' => '[d]',
    '/m3?k=example.com&q=Qq' => '[e]',
    '/m3?k=EXAMPLE.com&q=Qq' => '[e]',
    '/m3?k=www.example.com&q=Qq' => '[we]',
    '/m3?k=a.b.example.com&q=Qq' => '[we]',
    '/m3?k=.example.com&q=Qq' => '[we]',
    '/m3?k=test.org&q=Qq' => '[to]',
    '/m3?k=x.test.org&q=Qq' => '[to]',
    '/m3?k=mail.com&q=Qq' => '[ml]',
    '/m3?k=mail.&q=Qq' => '[d]',
    '/m3?k=mail&q=Qq' => '[d]',
    '/m3?k=a.b&q=Qq' => '[d]',
    '/m3?k=q.a.b&q=Qq' => '[ab]',
    '/m3?k=z.c.a.b&q=Qq' => '[cab]',
    '/m3?k=c.a.b&q=Qq' => '[ab]',
    '/m3?k=x.y.z&q=Qq' => '[xy]',
    '/m3?k=x.z&q=Qq' => '[x]',
    '/m3?k=x.y&q=Qq' => '[x]',
    '/m3?k=q.inc.org&q=Qq' => '[I3]',
    '/m3?k=inc.org&q=Qq' => '[d]',
    '/m3?k=re.x&q=Qq' => '[re]',
    '/m3?k=localhost&q=Qq' => '[lh]',
    '/m3?k=Localhost.&q=Qq' => '[lh]',
    '/m3?k=foo.de&q=Qq' => '[Qq]',
    '/m3?k=de&q=Qq' => '[d]',
    '/m3?k=trail.ing&q=Qq' => '[d]',
    '/m3?k=trail.ing.&q=Qq' => '[d]',
    '/m3?k=com&q=Qq' => '[d]',
    '/m3?k=x.com&q=Qq' => '[x]',
    '/m3?k=www.com&q=Qq' => '[d]',
    '/m3?k=www.org&q=Qq' => '[d]',
    '/m3?k=org&q=Qq' => '[d]',
    '/m3?k=example.com.&q=Qq' => '[e]',
    '/m3?k=c&q=Qq' => '[d]',
    '/m3?k=aXb&q=Qq' => '[d]',
    '/m3?k=..&q=Qq' => '[d]',
    '/m3?k=.&q=Qq' => '[d]',
    '/m3?k=*.example.com&q=Qq' => '[we]',
    '/m3?k=mail.*&q=Qq' => '[ml]',
    '/m3?k=12&q=Qq' => '[d]',
    '/m4?k=&q=Qq' => '[]',
    '/m4?k=a&q=Qq' => '[]',
    '/m4?k=A&q=Qq' => '[]',
    '/m4?k=b&q=Qq' => '[]',
    '/m4?k=B&q=Qq' => '[]',
    '/m4?k=c%20d&q=Qq' => '[]',
    '/m4?k=x12&q=Qq' => '[]',
    '/m4?k=xx&q=Qq' => '[]',
    '/m4?k=yabc&q=Qq' => '[]',
    '/m4?k=YQ&q=Qq' => '[]',
    '/m4?k=default&q=Qq' => '[]',
    '/m4?k=hostnames&q=Qq' => '[]',
    '/m4?k=volatile&q=Qq' => '[]',
    '/m4?k=include&q=Qq' => '[]',
    '/m4?k=inc1&q=Qq' => '[]',
    '/m4?k=inc2z&q=Qq' => '[]',
    '/m4?k=var&q=Qq' => '[]',
    '/m4?k=~t&q=Qq' => '[]',
    '/m4?k=example.com&q=Qq' => '[E]',
    '/m4?k=EXAMPLE.com&q=Qq' => '[E]',
    '/m4?k=www.example.com&q=Qq' => '[C]',
    '/m4?k=a.b.example.com&q=Qq' => '[C]',
    '/m4?k=.example.com&q=Qq' => '[C]',
    '/m4?k=test.org&q=Qq' => '[O]',
    '/m4?k=x.test.org&q=Qq' => '[O]',
    '/m4?k=mail.com&q=Qq' => '[C]',
    '/m4?k=mail.&q=Qq' => '[]',
    '/m4?k=mail&q=Qq' => '[]',
    '/m4?k=a.b&q=Qq' => '[]',
    '/m4?k=q.a.b&q=Qq' => '[]',
    '/m4?k=z.c.a.b&q=Qq' => '[]',
    '/m4?k=c.a.b&q=Qq' => '[]',
    '/m4?k=x.y.z&q=Qq' => '[]',
    '/m4?k=x.z&q=Qq' => '[]',
    '/m4?k=x.y&q=Qq' => '[]',
    '/m4?k=q.inc.org&q=Qq' => '[O]',
    '/m4?k=inc.org&q=Qq' => '[O]',
    '/m4?k=re.x&q=Qq' => '[]',
    '/m4?k=localhost&q=Qq' => '[]',
    '/m4?k=Localhost.&q=Qq' => '[]',
    '/m4?k=foo.de&q=Qq' => '[]',
    '/m4?k=de&q=Qq' => '[]',
    '/m4?k=trail.ing&q=Qq' => '[]',
    '/m4?k=trail.ing.&q=Qq' => '[]',
    '/m4?k=com&q=Qq' => '[C]',
    '/m4?k=x.com&q=Qq' => '[C]',
    '/m4?k=www.com&q=Qq' => '[C]',
    '/m4?k=www.org&q=Qq' => '[O]',
    '/m4?k=org&q=Qq' => '[O]',
    '/m4?k=example.com.&q=Qq' => '[E]',
    '/m4?k=c&q=Qq' => '[]',
    '/m4?k=aXb&q=Qq' => '[]',
    '/m4?k=..&q=Qq' => '[]',
    '/m4?k=.&q=Qq' => '[]',
    '/m4?k=*.example.com&q=Qq' => '[C]',
    '/m4?k=mail.*&q=Qq' => '[]',
    '/m4?k=12&q=Qq' => '[]',
    '/m5?k=&q=Qq' => '[E]',
    '/m5?k=a&q=Qq' => '[re Qq]',
    '/m5?k=A&q=Qq' => '[1]',
    '/m5?k=c&q=Qq' => '[d]',
    '/m6?k=&q=Qq' => '[E]',
    '/m6?k=a&q=Qq' => '[one]',
    '/m6?k=A&q=Qq' => '[one]',
    '/m6?k=c&q=Qq' => '[d]',
    '/m7?k=&q=Qq' => '[E]',
    '/m7?k=a&q=Qq' => '[1]',
    '/m7?k=A&q=Qq' => '[1]',
    '/m7?k=c&q=Qq' => '[d]',
    '/m8?k=&q=Qq' => '[m8]',
    '/m8?k=a&q=Qq' => '[m8]',
    '/m8?k=A&q=Qq' => '[m8]',
    '/m8?k=c&q=Qq' => '[m8]',
    '/m9?k=&q=Qq' => '[l]',
    '/m9?k=a&q=Qq' => '[l]',
    '/m9?k=A&q=Qq' => '[l]',
    '/m9?k=c&q=Qq' => '[l]',
    '/n2?k=&q=Qq' => '[QqQq]',
    '/n2?k=a&q=Qq' => '[Qq]',
    '/n2?k=A&q=Qq' => '[Qq]',
    '/n2?k=c&q=Qq' => '[QqQq]',
    '/n3?k=&q=Qq' => '[x]',
    '/n3?k=a&q=Qq' => '[x]',
    '/n3?k=A&q=Qq' => '[x]',
    '/n3?k=c&q=Qq' => '[x]',
    '/n4?k=&q=Qq' => '[CQq]',
    '/n4?k=a&q=Qq' => '[CQq]',
    '/n4?k=A&q=Qq' => '[CQq]',
    '/n4?k=c&q=Qq' => '[CQq]',
    '/n5?k=&q=Qq' => '[dz]',
    '/n5?k=a&q=Qq' => '[AA]',
    '/n5?k=A&q=Qq' => '[AA]',
    '/n5?k=c&q=Qq' => '[dz]',
    '/n6?k=&q=Qq' => '[[k=&q=Qq]]',
    '/n6?k=a&q=Qq' => '[[k=a&q=Qq]]',
    '/n6?k=A&q=Qq' => '[[k=A&q=Qq]]',
    '/n6?k=c&q=Qq' => '[[k=c&q=Qq]]',
    '/n7?k=&q=Qq' => '[]',
    '/n7?k=a&q=Qq' => '[[a][][][]]',
    '/n7?k=A&q=Qq' => '[]',
    '/n7?k=c&q=Qq' => '[[][][c][]]',
    '/n8?k=&q=Qq' => '[]',
    '/n8?k=a&q=Qq' => '[empty_re]',
    '/n8?k=A&q=Qq' => '[empty_re]',
    '/n8?k=c&q=Qq' => '[empty_re]',
    '/cap/ab?k=&q=Qq' => 'ab|E|ab',
    '/cap/ab?k=a&q=Qq' => 'ab|1|ab',
    '/cap/ab?k=x12&q=Qq' => is_oracle
        ? '12|21|12' : 'ab|21|ab',
    '/cap/ab?k=yabc&q=Qq' => is_oracle
        ? 'abc|y=abc/Qq|abc' : 'ab|y=abc/Qq|ab',
    '/cap/ab?k=B&q=Qq' => 'ab|2|ab',
    '/cap/ab?k=inc2z&q=Qq' => is_oracle
        ? 'z|I2 z|z' : 'ab|I2 z|ab',
    '/cap/ab?k=zz&q=Qq' => 'ab|d|ab',
    '/cap4/ab?k=&q=Qq' => [404],
    '/cap4/ab?k=a&q=Qq' => [404],
    '/cap4/ab?k=x12&q=Qq' => [404],
    '/cap4/ab?k=yabc&q=Qq' => [404],
    '/cap4/ab?k=B&q=Qq' => [404],
    '/cap4/ab?k=inc2z&q=Qq' => [404],
    '/cap4/ab?k=zz&q=Qq' => [404],
    '/v1?k=&q=Qq' => 'E|xy|E',
    '/v1?k=a&q=Qq' => '1|xy|1',
    '/v1?k=x12&q=Qq' => 'x1|xy|d',
    '/v1?k=yabc&q=Qq' => 'ya|xy|d',
    '/v1?k=B&q=Qq' => '2|xy|2',
    '/v1?k=inc2z&q=Qq' => 'in|xy|d',
    '/v1?k=zz&q=Qq' => 'zz|xy|d',
    '/v2?k=&q=Qq' => 'over|over',
    '/v2?k=a&q=Qq' => 'over|over1',
    '/v2?k=x12&q=Qq' => 'over|over',
    '/v2?k=yabc&q=Qq' => 'over|over2',
    '/v2?k=B&q=Qq' => 'over|over5',
    '/v2?k=inc2z&q=Qq' => 'over|over',
    '/v2?k=zz&q=Qq' => 'over|over',
    '/v3?k=&q=Qq' => 'E|over|over',
    '/v3?k=a&q=Qq' => '1|over|over1',
    '/v3?k=x12&q=Qq' => '21|over|over',
    '/v3?k=yabc&q=Qq' => 'y=abc/Qq|over|over2',
    '/v3?k=B&q=Qq' => '2|over|over5',
    '/v3?k=inc2z&q=Qq' => 'I2 z|over|over',
    '/v3?k=zz&q=Qq' => 'd|over|over',
    '/v4?k=&q=Qq' => 'over',
    '/v4?k=a&q=Qq' => 'over',
    '/v4?k=x12&q=Qq' => 'over',
    '/v4?k=yabc&q=Qq' => 'over',
    '/v4?k=B&q=Qq' => 'over',
    '/v4?k=inc2z&q=Qq' => 'over',
    '/v4?k=zz&q=Qq' => 'over',
    '/v5/?k=&q=Qq' => [404],
    '/v5/?k=a&q=Qq' => [404],
    '/v5/?k=x12&q=Qq' => [404],
    '/v5/?k=yabc&q=Qq' => [404],
    '/v5/?k=B&q=Qq' => [404],
    '/v5/?k=inc2z&q=Qq' => [404],
    '/v5/?k=zz&q=Qq' => [404],
    '/v8?k=&q=Qq' => [418, 'E E E'],
    '/v8?k=a&q=Qq' => [418, '1 1 1'],
    '/v8?k=x12&q=Qq' => [418, '21 21 21'],
    '/v8?k=yabc&q=Qq' => [418, 'y=abc/Qq y=abc/Qq y=abc/Qq'],
    '/v8?k=B&q=Qq' => [418, '2 2 2'],
    '/v8?k=inc2z&q=Qq' => [418, 'I2 z I2 z I2 z'],
    '/v8?k=zz&q=Qq' => [418, 'd d d'],
);
$t->outcomes(@table);

sub by_host { return $t->get('/m9', host => $_[0])->body }

SKIP: {
    skip 'captures of a map in place of the own ones', 3 if is_oracle;
    is $t->get('/shop/a', host => 'captures', headers => ['X-L' => $_ // '-'])
        ->body, '/' . ($_ // 'en') . '/shop/a', 'captures of a rewrite'
        for qw(de fr), undef;
}

is by_host('LOCALHOST'), '[l]', 'hostnames: case';
is by_host('a.x.'), '[x]', 'hostnames: a dot at the end';
is by_host('x'), '[d]', 'hostnames: not below it';
done_testing;
