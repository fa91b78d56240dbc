# SPDX-License-Identifier: BSD-2-Clause
#
# PHP-FPM, through the files that weir installs and through Debian's, over a
# socket in the file system and over TCP: what a script receives, uploads,
# streams, large heads, errors, exits, and an application with a front
# controller.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::PHP;
use Weir::Test;

need_module('http_fastcgi');
need_php();

my $t = Weir::Test->new;
my $top = "$FindBin::Bin/..";
my $debian = -f '/etc/nginx/snippets/fastcgi-php.conf';

chmod 0755, $t->dir;
my %script = (
    'params.php' => <<'EOP',
<?php header('Content-Type: text/plain');
ksort($_SERVER);
foreach ($_SERVER as $name => $value)
    if (is_string($value)) echo "$name=$value\n";
EOP
    'echo.php' => <<'EOP',
<?php $body = file_get_contents('php://input');
echo strlen($body), ' ', md5($body), ' ', $_SERVER['CONTENT_LENGTH'];
EOP
    'upload.php' => <<'EOP',
<?php foreach ($_FILES as $f)
    echo $f['name'], ' ', $f['size'], ' ', md5_file($f['tmp_name']);
EOP
    'stream.php' => <<'EOP',
<?php header('X-Accel-Buffering: no');
while (ob_get_level()) ob_end_flush();
for ($i = 0; $i < 3; $i++) { echo "piece $i\n"; flush(); usleep(300000); }
EOP
    'large.php' => '<?php echo str_repeat("0123456789abcdef", 1 << 20);',
    'cookies.php' => '<?php for ($i = 0; $i < $_GET["n"]; $i++) '
        . 'setcookie("c$i", str_repeat("v", 100)); echo "set";',
    'status.php' => '<?php http_response_code(418); echo "tea";',
    'move.php' => '<?php header("Location: /else"); echo "moved";',
    'warn.php' => '<?php error_log("said by a script"); echo "done";',
    'fatal.php' => '<?php echo "before"; flush(); no_such_function();',
    'exit.php' => '<?php echo "begun"; exit(3);',
    'kill.php' => '<?php echo str_repeat("x", 100000); flush(); '
        . 'posix_kill(getmypid(), 9);',
    'pid.php' => '<?php echo getmypid();',
    'app/index.php' => '<?php echo "app ", $_SERVER["REQUEST_URI"], " ", '
        . '$_SERVER["PATH_INFO"], " ", $_GET["q"] ?? "-";',
);
$t->write("html/$_", $script{$_}, mode => 0644) for keys %script;
$t->write('html/app/style.css', 'body {}');
chmod 0755, map { $t->path($_) } 'html', 'html/app';

my $php = Weir::PHP->new($t);
my ($socket, $port) = ($php->socket, $php->port);

# What include finds is beside the configuration.
for my $name ('fastcgi.conf', 'fastcgi_params', 'snippets/fastcgi-php.conf') {
    my $from = "$top/conf/$name";
    $t->write($name, Weir::Test::slurp($from));
    $t->write("debian/$name", Weir::Test::slurp("/etc/nginx/$name"))
        if $debian;
}

sub server {
    my ($port, $snippet, $pass, $more) = @_;

    return <<"EOC";
    server {
        listen 127.0.0.1:$port;
        root %%TESTDIR%%/html;
        index index.php;
        location / { try_files \$uri \$uri/ =404; }
        location /app/ { try_files \$uri \$uri/ /app/index.php?q=\$uri&\$args; }
        location ~ \\.php(/|\$) {
            include $snippet;
            fastcgi_pass $pass;
            $more
        }
    }
EOC
}

my $conf = "%%HTTP%%\n    client_max_body_size 100m;\n"
    . "    upstream php { server unix:$socket; keepalive 2; }\n"
    . server('%%PORT%%', 'snippets/fastcgi-php.conf', "unix:$socket", '')
    . server('%%PORT_tcp%%', 'snippets/fastcgi-php.conf', "127.0.0.1:$port",
             "fastcgi_request_buffering off;")
    . server('%%PORT_keep%%', 'snippets/fastcgi-php.conf', 'php',
             'fastcgi_keep_conn on;');
$conf .= server('%%PORT_debian%%', 'debian/snippets/fastcgi-php.conf',
                "unix:$socket", '') if $debian;
# Debian's file includes fastcgi.conf, which is the one beside nginx.conf here.
$t->run("$conf}\n");

my @ways = ('', 'tcp', 'keep', $debian ? 'debian' : ());

for my $way (@ways) {
    my $port = $t->port($way || undef);
    my $name = $way || 'unix';

    my $r = $t->get('/params.php/some/path?a=1&b=%20', port => $port,
                    headers => ['X-Some-Header' => 'v', Cookie => 'a=b']);
    is $r->status, 200, "$name: a script";
    my %got = map { split /=/, $_, 2 } split /\n/, $r->body;
    my %want = (
        SCRIPT_NAME => '/params.php', PATH_INFO => '/some/path',
        SCRIPT_FILENAME => $t->path('html/params.php'),
        DOCUMENT_ROOT => $t->path('html'), QUERY_STRING => 'a=1&b=%20',
        REQUEST_URI => '/params.php/some/path?a=1&b=%20',
        REQUEST_METHOD => 'GET', SERVER_PROTOCOL => 'HTTP/1.1',
        HTTP_X_SOME_HEADER => 'v', HTTP_COOKIE => 'a=b', CONTENT_LENGTH => '',
        SERVER_PORT => $port, REMOTE_ADDR => '127.0.0.1',
        GATEWAY_INTERFACE => 'CGI/1.1', REDIRECT_STATUS => '200',
        PHP_SELF => '/params.php/some/path',
    );
    is_deeply { map { $_ => $got{$_} } keys %want }, \%want,
        "$name: what it receives";
    is $t->get('/none.php', port => $port)->status, 404,
        "$name: a script that is not there";

    for my $n (0, 1, 100_000, 8_000_000) {
        my $body = substr 'abcdefghijklmno' x ($n / 15 + 1), 0, $n;
        is $t->request('POST', '/echo.php', port => $port, body => $body)->body,
            "$n " . md5_hex($body) . " $n", "$name: a body of $n bytes";
    }
    SKIP: {
        skip_before('1.29.6', 'unknown lengths without buffering', 1)
            if $way eq 'tcp';
        is $t->request('POST', '/echo.php', port => $port,
                       chunks => ['one', 'two' x 50_000])->body,
            '150003 ' . md5_hex('one' . 'two' x 50_000) . ' 150003',
            "$name: a body of unknown length";
    }
    is md5_hex($t->get('/large.php', port => $port)->body),
        md5_hex('0123456789abcdef' x (1 << 20)), "$name: 16 MiB";
    $r = $t->get('/move.php', port => $port);
    is $r->status . $r->header('Location'), '302/else', "$name: Location";
    is $t->get('/status.php', port => $port)->status, 418, "$name: Status";
    is $t->get('/app/some/page?x=1', port => $port)->body,
        'app /app/some/page?x=1  /app/some/page', "$name: a front controller"
        or diag $t->read('error.log');
    is $t->get('/app/', port => $port)->body, 'app /app/  -',
        "$name: an index";
    is $t->get('/app/style.css', port => $port)->body, 'body {}',
        "$name: a file beside it";
}

# ---- uploads

my $file = join '', map { pack 'N', $_ } 1 .. 2_000_000;
my $form = "--b\r\nContent-Disposition: form-data; name=f; filename=a.bin\r\n"
    . "Content-Type: application/octet-stream\r\n\r\n$file\r\n--b--\r\n";
is $t->request('POST', '/upload.php', body => $form,
               headers => ['Content-Type' => 'multipart/form-data; boundary=b'])
    ->body, 'a.bin 8000000 ' . md5_hex($file), 'an upload';
SKIP: {
    skip 'WEIR_SLOW_TESTS is not set', 1 if !$ENV{WEIR_SLOW_TESTS};
    my $huge = 'h' x (64 << 20);
    is $t->request('POST', '/echo.php', body => $huge)->body,
        length($huge) . ' ' . md5_hex($huge) . ' ' . length($huge),
        'a body of 64 MiB';
}

# ---- streams

my $c = $t->connect;
$c->send_request('GET', '/stream.php');
ok defined $c->read_until(qr/piece 0\n/), 'the first piece';
unlike $c->unread, qr/piece 2/, '... comes before the last one is made';
ok defined $c->read_until(qr/piece 2\n/), 'the last piece';

# ---- heads

is $t->get('/cookies.php?n=20')->body, 'set', '20 cookies';
is $t->get('/cookies.php?n=1000')->status, 502, 'more than the buffer takes';

# ---- errors

is $t->get('/warn.php')->body, 'done', 'a script that logs';
like $t->read('error.log'), qr/FastCGI sent in stderr: "PHP message: said by a s/,
    '... in the error log';
my $r = $t->get('/fatal.php');
like $r->body, qr/^before/, 'a fatal error behind the first output';
like $t->read('error.log'), qr/PHP Fatal error:  Uncaught Error: Call to undef/,
    '... in the error log';
$r = $t->get('/exit.php');
is $r->complete . $r->body, '1begun', 'exit in the middle';
SKIP: {
    skip 'nginx takes the end of a connection for that of a response', 1
        if is_oracle();
    is $t->get('/kill.php')->complete ? 1 : 0, 0,
        'a process that is killed leaves no complete response';
}
is $t->get('/exit.php')->body, 'begun', 'the next one answers';

done_testing;
