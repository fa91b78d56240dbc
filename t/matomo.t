# SPDX-License-Identifier: BSD-2-Clause
#
# Matomo's files on PHP-FPM, configured as its administrators are advised to:
# five scripts run and no other, folders are shut although they hold images
# that are not, the tracker's script may be cached, the opt-out form may be
# framed.  The scripts are stand-ins that say what they receive.

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
my $says = <<'EOP';
<?php header('Content-Type: text/plain');
foreach (['SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_INFO', 'QUERY_STRING', 'REQUEST_URI',
          'REQUEST_METHOD', 'CONTENT_TYPE', 'CONTENT_LENGTH', 'HTTP_PROXY', 'HTTP_DNT',
          'HTTP_X_FORWARDED_FOR', 'HTTPS', 'SERVER_PROTOCOL'] as $name)
    echo "$name=", $_SERVER[$name] ?? '-', "\n";
echo 'body=', md5(file_get_contents('php://input')), "\n";
EOP

# A pixel, nothing at all, or what browsers ask before they send from elsewhere.
my $tracker = <<'EOP';
<?php header_remove('X-Powered-By');
header('Access-Control-Allow-Origin: *');
header('Cache-Control: no-store');
if (isset($_GET['say'])) { require 'says.php'; exit; }
setcookie('_pk_uid', 'abc', 2000000000, '/', '', true, true);
if ($_SERVER['REQUEST_METHOD'] == 'OPTIONS' || ($_GET['send_image'] ?? '1') == '0') {
    http_response_code(204); exit;
}
if (strlen($body = file_get_contents('php://input'))) {
    header('Content-Type: application/json');
    echo json_encode(['status' => 'success', 'tracked' => count(json_decode($body)->requests)]);
    exit;
}
header('Content-Type: image/gif');
echo base64_decode('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7');
EOP

# The form of the login, with a nonce that has to come back.
my $front = <<'EOP';
<?php session_name('MATOMO_SESSID'); session_save_path(__DIR__ . '/tmp');
if (isset($_GET['say'])) { require 'says.php'; exit; }
if (($_GET['action'] ?? '') == 'optOut') { echo 'opt out'; exit; }
session_start();
if ($_SERVER['REQUEST_METHOD'] == 'POST') {
    $good = hash_equals($_SESSION['nonce'] ?? '-', $_POST['form_nonce'] ?? '');
    if (!$good) { http_response_code(403); exit('nonce'); }
    $_SESSION['login'] = $_POST['form_login'];
    header('Location: index.php?module=CoreHome'); exit;
}
if (isset($_SESSION['login'])) exit("reports of $_SESSION[login]");
echo 'nonce=', $_SESSION['nonce'] = bin2hex(random_bytes(8));
EOP

my $script = 'if(typeof window.Matomo!=="object"){' . 'x' x 60_000 . '}';
my %file = (
    'index.php' => $front, 'matomo.php' => $tracker, 'piwik.php' => $tracker,
    'js/index.php' => "<?php header('Content-Type: application/javascript');"
        . "header('Vary: Accept-Encoding'); readfile(__DIR__ . '/../matomo.js');",
    'plugins/HeatmapSessionRecording/configs.php' => $says,
    'says.php' => $says, 'console' => '#!/usr/bin/env php', 'matomo.js' => $script,
    'robots.txt' => "Disallow:\n", 'README.md' => '# Matomo', 'LEGALNOTICE' => 'legal',
    'js/tracker.js' => 'tracker', 'js/container_1_preview.js' => 'preview',
    'core/Version.php' => '<?php echo 1;', 'core/core.css' => 'x',
    'config/config.ini.php' => '; <?php exit; ?>', 'config/global.ini' => 'x',
    'tmp/cache.json' => 'x', 'lang/en.json' => '{}', '.htpasswd' => 'a:b',
    'misc/cron.sh' => 'x', 'misc/log.php' => '<?php echo 1;', 'misc/icon.svg' => '<svg/>',
    'vendor/autoload.php' => '<?php echo 1;', 'vendor/composer.json' => '{}',
    'libs/a.php' => '<?php echo 1;', 'libs/a.js' => 'a',
    'plugins/Morpheus/images/logo.png' => "\x89PNG", 'plugins/Morpheus/plugin.json' => '{}',
    'plugins/Morpheus/Morpheus.php' => '<?php echo 1;', 'node_modules/a/a.css' => 'a{}',
    'node_modules/a/package.json' => '{}', 'upper.PHP' => '<?php echo 1;',
    'evil.php.png' => '<?php echo 1;',
);
$t->write("m/$_", $file{$_}, mode => 0644, mtime => 1_600_000_000) for keys %file;
chmod 0755, $t->dir;
chmod 0777, $t->path('m/tmp');

my $php = Weir::PHP->new($t);
$t->write('fastcgi_params', Weir::Test::slurp("$FindBin::Bin/../conf/fastcgi_params"));
$t->run(<<"EOC");
%%HTTP%%
    types { text/html html; text/css css; application/javascript js; image/png png;
            image/svg+xml svg; application/json json; text/plain txt; }
    server_tokens off;
    map "\$arg_module:\$arg_action" \$framed_by {
        default              SAMEORIGIN;
        CoreAdminHome:optOut "";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/m;
        index index.php;
        client_max_body_size 2m;
        add_header Referrer-Policy origin always;
        add_header X-Content-Type-Options nosniff always;
        add_header X-Frame-Options \$framed_by always;

        location ~ ^/(?:index|matomo|piwik|js/index|plugins/HeatmapSessionRecording/configs)\\.php\$ {
            try_files \$fastcgi_script_name =404;
            fastcgi_split_path_info ^(.+?\\.php)(/.*)\$;
            include fastcgi_params;
            fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
            fastcgi_param PATH_INFO \$fastcgi_path_info;
            fastcgi_param HTTP_PROXY "";
            fastcgi_pass unix:@{[ $php->socket ]};
        }
        location ~* \\.php\$ { return 403; }
        location / { try_files \$uri \$uri/ =404; }
        location ~ ^/(?:config|core|lang|tmp)(?:/|\$) { deny all; }
        location ~ /\\. { deny all; }
        location ~ ^/js/container_.*_preview\\.js\$ {
            expires off;
            add_header Cache-Control "private, no-cache, no-store";
        }
        location ~ \\.(?:css|js|gif|ico|jpg|png|svg|woff2?)\$ {
            expires 1h;
            add_header Pragma public;
            add_header Cache-Control public;
        }
        location ~ ^/(?:libs|misc|node_modules|plugins|vendor)(?:/|\$) { return 403; }
        location ~ ^/(?:.+\\.md|LEGALNOTICE|LICENSE)\$ { default_type text/plain; }
    }
}
EOC

# ---- what runs

for my $name (qw(index matomo piwik plugins/HeatmapSessionRecording/configs)) {
    my $query = 'say=1&url=http%3A%2F%2Fa.test%2F%3Fb%3D%C3%A9&rand=0.1';
    my $r = $t->get("/$name.php?$query", headers => [
        Proxy => 'http://evil.test/', DNT => 1, 'X-Forwarded-For' => '203.0.113.7']);
    my %got = map { split /=/, $_, 2 } split /\n/, $r->body;
    is_deeply \%got, {
        SCRIPT_NAME => "/$name.php", SCRIPT_FILENAME => $t->path("m/$name.php"),
        PATH_INFO => '', QUERY_STRING => $query, REQUEST_URI => "/$name.php?$query",
        REQUEST_METHOD => 'GET', CONTENT_TYPE => '', CONTENT_LENGTH => '',
        HTTP_PROXY => '-', HTTP_DNT => 1, HTTP_X_FORWARDED_FOR => '203.0.113.7',
        HTTPS => '-', SERVER_PROTOCOL => 'HTTP/1.1', body => md5_hex(''),
    }, "$name.php receives" or diag $r->body;
    is join(',', map { $r->header($_) // '-' } qw(Referrer-Policy X-Content-Type-Options
            X-Frame-Options)), 'origin,nosniff,SAMEORIGIN', "$name.php: headers";
    like $r->header('Server'), qr/^\w+$/, "$name.php: no version";
}

# ---- what does not

my %answer = (
    '/core/Version.php' => 403, '/says.php' => 403, '/none.php' => 403, '/vendor/autoload.php' => 403,
    '/misc/log.php?a=/index.php' => 403, '/plugins/Morpheus/Morpheus.php' => 403, '/upper.PHP' => 403,
    '/INDEX.PHP' => 403, '/libs/a.php' => 403, '/config/config.ini.php' => 403,
    '/plugins/HeatmapSessionRecording/none.php' => 403, '/js/matomo.php' => 403,
    '/xindex.php' => 403, '/core/../says.php' => 403, '/core/%2e%2e/says%2Ephp' => 403,
    '/index.php/says.php' => 403, '/index.php/core' => 404, '/index.php/' => 404, '/index.php%00.png' => 400,
    '/index.php%20' => 404, '/evil.php.png/index.php' => 403, '/js/index.php5' => 404,
    '/core/core.css' => 403, '/%63ore/core.css' => 403, '//core//core.css' => 403,
    '/config/global.ini' => 403, '/config' => 403, '/config/' => 403, '/tmp/cache.json' => 403,
    '/lang/en.json' => 403, '/lang/none' => 403, '/.htpasswd' => 403, '/.git/config' => 403,
    '/misc/cron.sh' => 403, '/vendor/composer.json' => 403, '/plugins/Morpheus/plugin.json' => 403,
    '/node_modules/a/package.json' => 403, '/libs/' => 403, '/plugins' => 403, '/none' => 404,
    '/js/container_1_preview.jsx' => 404, '/js/none.js' => 404, '/core.css' => 404,
);
for my $uri (sort keys %answer) {
    my $r = $t->get($uri);
    is $r->status, $answer{$uri}, "not served: $uri";
    unlike $r->body, qr/<\?php|SCRIPT_NAME/, '... nothing of it';
}

# ---- files

my %header = (
    '/matomo.js' => ['application/javascript', 'max-age=3600,public', '-'],
    '/js/tracker.js' => ['application/javascript', 'max-age=3600,public', '-'],
    '/js/container_1_preview.js' => ['application/javascript', 'private, no-cache, no-store', '-'],
    '/plugins/Morpheus/images/logo.png' => ['image/png', 'max-age=3600,public', '-'],
    '/misc/icon.svg' => ['image/svg+xml', 'max-age=3600,public', '-'],
    '/libs/a.js' => ['application/javascript', 'max-age=3600,public', '-'],
    '/node_modules/a/a.css' => ['text/css', 'max-age=3600,public', '-'],
    '/evil.php.png' => ['image/png', 'max-age=3600,public', '-'],
    '/robots.txt' => ['text/plain', '', 'nosniff'], '/README.md' => ['text/plain', '', 'nosniff'],
    '/LEGALNOTICE' => ['text/plain', '', 'nosniff'],
);
for my $uri (sort keys %header) {
    my $r = $t->get($uri);
    is $r->body, $file{ substr $uri, 1 }, $uri;
    is_deeply [$r->header('Content-Type'), join(',', $r->headers('Cache-Control')),
               $r->header('X-Content-Type-Options') // '-'], $header{$uri}, '... its headers';
}
my $r = $t->get('/matomo.js');
my $etag = $r->header('ETag');
$r = $t->get('/matomo.js', headers => ['If-None-Match' => $etag]);
is join(',', $r->status, $r->headers('Cache-Control')), '304,max-age=3600,public',
    'matomo.js is not sent again';
is $t->get('/js/index.php')->body, $script, 'the script by PHP';
is $t->get('/js/')->body, $script, '... is the index of its folder';
$r = $t->get('/js?x=1');
is $r->status . ($r->header('Location') =~ s/:\d+//r), '301http://localhost/js/?x=1',
    '... which has a slash';

# ---- tracking

$r = $t->get('/matomo.php?idsite=1&rec=1&action_name=a%20b', headers => [Cookie => '_pk_id=1']);
is join(',', $r->status, $r->header('Content-Type'), substr $r->body, 0, 6), '200,image/gif,GIF89a',
    'a visit: a pixel';
is join(',', map { $r->header($_) } qw(Access-Control-Allow-Origin Cache-Control)), '*,no-store',
    '... its headers';
like $r->header('Set-Cookie'), qr/^_pk_uid=abc; expires=.*; secure; HttpOnly$/i, '... a cookie';
for my $case (['GET', '/matomo.php?rec=1&send_image=0'], ['OPTIONS', '/matomo.php'],
              ['POST', '/piwik.php?send_image=0', body => 'rec=1']) {
    my ($method, $uri, @body) = @$case;
    $r = $t->request($method, $uri, @body);
    is join(',', $r->status, $r->body, scalar $r->headers('Content-Length')), '204,,0', "$method $uri";
}
my $visits = '{"requests":[' . join(',', map { "\"?idsite=1&rec=1&_id=$_\"" } 1 .. 5000) . ']}';
is $t->post('/matomo.php', $visits)->body, '{"status":"success","tracked":5000}', 'many at once';
is $t->request('POST', '/matomo.php', chunks => [unpack '(a30000)*', $visits])->body,
    '{"status":"success","tracked":5000}', '... in pieces';
is $t->post('/matomo.php', 'x' x (3 << 20))->status, 413, '... not without end';
my $c = $t->connect;
$c->send_request('GET', "/matomo.php?rec=1&_id=$_") for 1 .. 20;
is scalar(grep { $c->read_response->body =~ /^GIF/ } 1 .. 20), 20, 'twenty on one connection';

# ---- logging in

$r = $t->get('/');
my ($nonce) = $r->body =~ /^nonce=(\w+)$/;
my ($cookie) = $r->header('Set-Cookie') =~ /^(MATOMO_SESSID=\w+)/;
ok $nonce && $cookie, 'the form, by the index';
my @form = (headers => [Cookie => $cookie, 'Content-Type' => 'application/x-www-form-urlencoded']);
is $t->post('/index.php?module=Login', 'form_login=a&form_nonce=0', @form)->body, 'nonce',
    'another nonce';
$r = $t->post('/index.php?module=Login', "form_login=anna+b&form_nonce=$nonce", @form);
is $r->status . $r->header('Location'), '302index.php?module=CoreHome', 'logged in';
$r = $t->get('/index.php?module=CoreHome', headers => [Cookie => $cookie]);
is $r->body, 'reports of anna b', '... and known';
is $r->header('X-Frame-Options'), 'SAMEORIGIN', '... not in a frame';
$r = $t->get('/index.php?module=CoreAdminHome&action=optOut&language=de');
is $r->body . ($r->header('X-Frame-Options') // ''), 'opt out', 'the opt-out may be framed';
is $t->get('/index.php/../core/core.css')->status, 403, 'and no way around';

done_testing;
