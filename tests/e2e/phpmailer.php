<?php
// phpmailer.php - one message by PHPMailer: the letter comes on stdin (clients.py), what became of it goes to stdout.
// SPDX-License-Identifier: Apache-2.0
require '/usr/share/php/libphp-phpmailer/autoload.php';

use PHPMailer\PHPMailer\PHPMailer;

$q = json_decode(stream_get_contents(STDIN), true);
$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = $q['host'];
$mail->Port = $q['port'];
$mail->SMTPAuth = true;
$mail->AuthType = $q['mechanism'];
$mail->Username = $q['user'];
$mail->Password = $q['password'];
$mail->SMTPSecure = !$q['tls'] ? '' : ($q['implicit'] ? PHPMailer::ENCRYPTION_SMTPS : PHPMailer::ENCRYPTION_STARTTLS);
$mail->SMTPAutoTLS = $q['tls'];
$mail->SMTPOptions = ['ssl' => ['cafile' => $q['certificate'], 'verify_peer' => true, 'verify_peer_name' => true]];
$mail->CharSet = PHPMailer::CHARSET_UTF8;
$mail->addCustomHeader('X-Order', '17');
try {
    $mail->setFrom($q['sender'], 'Müller & Söhne');
    foreach ($q['recipients'] as $recipient)
        $mail->addAddress($recipient, 'Žofie');
    $mail->Subject = $q['subject'];
    $mail->Body = $q['html'];
    $mail->AltBody = $q['text'];
    $mail->isHTML(true);
    foreach ($q['files'] as $name => $hex)
        $mail->addStringAttachment(hex2bin($hex), $name);
    $mail->send();
    $answer = ['ok' => true, 'said' => $mail->getSMTPInstance()->getLastReply()];
} catch (Exception $e) {
    $answer = ['ok' => false, 'said' => $e->getMessage() . ' ' . implode(' ', $mail->getSMTPInstance()->getError())];
}
// Its SMTP side ends the message with a line of its own.
echo json_encode($answer + ['raw' => bin2hex($mail->getSentMIMEMessage() . "\r\n")], JSON_INVALID_UTF8_SUBSTITUTE), "\n";
