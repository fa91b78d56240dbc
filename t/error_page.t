# SPDX-License-Identifier: BSD-2-Clause
#
# Built-in error pages and error_page in all its forms.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/404.html', 'custom 404');
$t->write('html/50x.html', 'custom 50x');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location = /400 { return 400; }
        location = /402 { return 402; }
        location = /403 { return 403; }
        location = /404 { return 404; }
        location = /405 { return 405; }
        location = /410 { return 410; }
        location = /413 { return 413; }
        location = /429 { return 429; }
        location = /494 { return 494; }
        location = /497 { return 497; }
        location = /500 { return 500; }
        location = /502 { return 502; }
        location = /503 { return 503; }
        location = /504 { return 504; }
        location = /507 { return 507; }
        location = /418 { return 418; }
        location = /444 { return 444; }

        location /uri/ { error_page 404 403 /404.html; return 404; }
        location /same/ { error_page 500 502 503 504 /50x.html; return 503; }
        location /file/ { error_page 404 @file; return 404; }
        location @file { rewrite ^ /404.html break; }
        location /change/ { error_page 404 =200 /404.html; return 404; }
        location /answer/ { error_page 404 = /shows; return 404; }
        location /shows { return 201 "shows $uri $request_method"; }
        location /named/ { error_page 404 @named; return 404; }
        location /named2/ { error_page 404 = @named; return 404; }
        location @named { return 402 "named $uri"; }
        location /away/ { error_page 404 http://x.test/?a=$uri; return 404; }
        location /away2/ { error_page 404 =301 http://x.test/; return 404; }
        location /away3/ { error_page 404 =410 http://x.test/; return 404; }
        location /vars/ { error_page 404 /err$arg_e; return 404; }
        location /err { return 200 "err $uri $args"; }
        location /nofile/ { error_page 404 /nosuch.html; return 404; }
        location /once/ { error_page 404 /onceagain; return 404; }
        location = /onceagain { error_page 403 /404.html; return 403; }
        location /again/ { recursive_error_pages on;
                           error_page 404 /againnext; return 404; }
        location = /againnext { recursive_error_pages on;
                                error_page 403 /404.html; return 403; }
        location /lastly/ { error_page 404 @lastly; return 404; }
        location @lastly { recursive_error_pages on;
                           error_page 403 /404.html; return 403; }
        location /first/ { recursive_error_pages on;
                           error_page 404 @first; return 404; }
        location @first { error_page 403 /404.html; return 403; }
        location /intern { internal; return 200 internal; }
        location /tointern { error_page 404 =200 /intern; return 404; }
        location /proxied/ { error_page 404 /proxy; return 404; }
        location = /proxy { proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /ownup/ { error_page 503 /404.html; proxy_intercept_errors on;
                           proxy_pass http://127.0.0.1:%%PORT_up%%/x503; }
        location /upagain/ { error_page 404 @upagain; return 404; }
        location @upagain { error_page 503 /404.html; proxy_intercept_errors on;
                            proxy_pass http://127.0.0.1:%%PORT_up%%; }
        location /asis/ { error_page 503 /404.html;
                          proxy_pass http://127.0.0.1:%%PORT_up%%/x503; }
        location /dead/ { error_page 502 /50x.html;
                          proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
        location /outer/ { error_page 404 /404.html;
            location /outer/in/ { return 404; }
            location /outer/own/ { error_page 403 /404.html; return 404; } }
    }
    server { listen 127.0.0.1:%%PORT_up%%;
             location /upagain { return 503 "from upstream"; }
             location /x503 { return 503 "from upstream"; }
             location / { return 200 "up $request_method $request_uri"; } }
    server { listen 127.0.0.1:%%PORT_off%%; server_tokens off; return 404; }
}
EOC

# ---- built-in pages ----

my $version = 'nginx/' . server_version();
my %titles = (
    400 => '400 Bad Request', 402 => '402 Payment Required',
    403 => '403 Forbidden', 404 => '404 Not Found',
    405 => '405 Not Allowed', 410 => '410 Gone',
    413 => '413 Request Entity Too Large', 429 => '429 Too Many Requests',
    500 => '500 Internal Server Error', 502 => '502 Bad Gateway',
    503 => '503 Service Temporarily Unavailable',
    504 => '504 Gateway Time-out', 507 => '507 Insufficient Storage',
);
for my $code (sort keys %titles) {
    my $r = $t->get("/$code");
    my $title = $titles{$code};
    is $r->status, $code, "status $code";
    is $r->line, "HTTP/1.1 $title", "$code: status line";
    is $r->body, "<html>\r\n<head><title>$title</title></head>\r\n<body>\r\n"
        . "<center><h1>$title</h1></center>\r\n"
        . "<hr><center>$version</center>\r\n</body>\r\n</html>\r\n",
        "$code: page";
    is $r->header('Content-Type'), 'text/html', "$code: type";
}
my $r = $t->get('/494');
is $r->status, 400, '494 is sent as 400';
like $r->body, qr{<center>Request Header Or Cookie Too Large</center>},
    '494: its text';
$r = $t->get('/497');
is $r->status, 400, '497 is sent as 400';
like $r->body,
    qr{<center>The plain HTTP request was sent to HTTPS port</center>},
    '497: its text';
$r = $t->get('/418');
is $r->status, 418, 'a code without a page';
is $r->header('Content-Length'), 0, 'a code without a page: no body';
is $t->get('/444')->raw, '', '444 closes without a word';
$r = $t->get('/404', headers => ['User-Agent' => 'Mozilla Chrome/100']);
like $r->body, qr{</html>\r\n
    (?:<!--\ a\ padding\ to\ disable\ MSIE\ and\ Chrome\ friendly
       \ error\ page\ -->\r\n){6}\z}x, 'msie_padding';
like $t->get('/', port => 'off')->body, qr{<center>nginx</center>},
    'server_tokens off';
$r = $t->head('/404');
is $r->status . $r->body, '404', 'HEAD';
cmp_ok $r->header('Content-Length'), '>', 100, 'HEAD: length';

# ---- error_page ----

$t->answers(
    # request             status body
    '/uri/'            => [404, 'custom 404'],
    '/same/'           => [503, 'custom 50x'],
    '/change/'         => [200, 'custom 404'],
    '/answer/'         => [201, 'shows /shows GET'],
    '/named/'          => [404, 'named /named/'],
    '/named2/'         => [402, 'named /named2/'],
    '/vars/?e=or'      => [404, 'err /error '],
    '/once/'           => [403, qr/403 Forbidden/],
    '/again/'          => [403, 'custom 404'],
    '/nofile/'         => [404, qr/404 Not Found/],
    '/tointern'        => [200, 'internal'],
    '/intern'          => [404, qr/404 Not Found/],
    '/proxied/x'       => [404, 'up GET /proxy'],
    '/ownup/'          => [503, 'custom 404'],
    '/asis/'           => [503, 'from upstream'],
    '/dead/'           => [502, 'custom 50x'],
    '/outer/in/'       => [404, 'custom 404'],
    '/outer/own/'      => [404, qr/404 Not Found/],
);

$r = $t->get('/file/');
is $r->status . ' ' . $r->body, '404 custom 404', 'a file as the page';
ok $r->header('ETag'), 'has a tag';
is $r->header('Last-Modified'), undef, 'but no date of its own';

is $t->post('/answer/', 'body')->body, 'shows /shows GET',
    'POST becomes GET';
is $t->head('/answer/')->status, 201, 'HEAD stays';
$r = $t->get('/away/');
is $r->status, 302, 'to another site';
is $r->header('Location'), 'http://x.test/?a=/away/', 'to another site: where';
$r = $t->get('/away2/');
is $r->status, 301, 'to another site, permanently';
is $t->get('/away3/')->status, 302, 'no other code goes with a Location';

# Whether another page follows, the location of the one before says.
$r = $t->get('/lastly/');
is $r->status, 403, 'recursive_error_pages where the last error is';
like $r->body, qr/403 Forbidden/, 'it is too late';
$r = $t->get('/first/');
is $r->status, 403, 'recursive_error_pages where the first error is';
unlike $r->body, qr/403 Forbidden/, 'another page follows';

# A page of an error page that may not be taken: the built-in one of the last
# error.
$r = $t->get('/upagain/');
is $r->status, 503, 'an upstream behind an error page';
like $r->body, qr/503 Service Temporarily/, 'an upstream behind an error page: page';

done_testing;
